using System.CommandLine;
using System.Net;

namespace ZwCa.HsmSim.Verbs;

/// <summary>Options that several verbs have, so that they are called alike.</summary>
internal static class VerbOptions
{
    public const string DefaultPasswordVariable = "ZWCA_HOLDER_PASSWORD";

    public static Option<DirectoryInfo> Store() => new("--store") { Description = "Folder of the store.", Required = true };

    public static Option<DirectoryInfo?> Anchor() => new("--anchor")
    {
        Description = "Folder of the anchors, by which a store that was put back to an older state is known. Keep it where backups of the store do not go. Default: STORE.anchor.",
    };

    public static Option<string> Partition() => new("--partition") { Description = "Name of the partition.", Required = true };

    public static Option<DnsEndPoint> Connect()
    {
        var option = Address("--connect", "Where the device listens, HOST:PORT.");
        option.Required = true;
        return option;
    }

    public static Option<DirectoryInfo> Clients() => new("--clients")
    {
        Description = "The console's folder that init made: STORE/clients/console.",
        Required = true,
    };

    public static Option<FileInfo> Key() => new("--key") { Description = "Key file of the holder or recovery officer.", Required = true };

    public static Option<string> PasswordVariable() => new("--password-env")
    {
        Description = "Environment variable with the password of the key file.",
        DefaultValueFactory = _ => DefaultPasswordVariable,
    };

    public static Option<FileInfo> File(string name, string description) => new(name) { Description = description, Required = true };

    /// <summary>HOST:PORT; an IPv6 address in brackets.</summary>
    public static Option<DnsEndPoint> Address(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Running.Address.Parse(text) is { } address)
            {
                return address;
            }

            result.AddError($"{name} takes HOST:PORT, not \"{text}\".");
            return null;
        },
    };
}
