using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>Reads <see cref="ServiceOptions"/> and says everything that is wrong with them at once.</summary>
public static partial class ServiceConfiguration
{
    /// <summary>Environment variables with this prefix override the file: <c>ZWCA_Service__Listen</c>.</summary>
    public const string EnvironmentPrefix = "ZWCA_";

    private const int MaxNameLength = 64;

    /// <summary>What the binder said, without the value that it could not convert: a connection string in the place of its section has a password in it.</summary>
    public static ConfigurationException NotBound(InvalidOperationException thrown)
    {
        ArgumentNullException.ThrowIfNull(thrown);
        return new ConfigurationException(
        [
            Unconverted().Match(thrown.Message) is { Success: true } wrong ? $"{wrong.Groups["setting"].Value} has a value that is no {Short(wrong.Groups["type"].Value)}."
                : Unknown().Match(thrown.Message) is { Success: true } unknown ? $"There is no setting {unknown.Groups["names"].Value} (in {Short(unknown.Groups["type"].Value)})."
                : thrown.Message,
        ]);

        static string Short(string type) => type[(type.LastIndexOf('.') + 1)..];
    }

    /// <exception cref="ConfigurationException">The file has something that no program reads: a name is misspelt, or the file is another service's. Of variables only those that override a section count.</exception>
    internal static void RequireKnown(IConfigurationRoot configuration, string section)
    {
        string[] unknown =
        [
            .. configuration.Providers.OfType<JsonConfigurationProvider>()
                .SelectMany(file => file.GetChildKeys([], null))
                .Distinct(StringComparer.OrdinalIgnoreCase)
                .Where(name => !name.Equals(ServiceOptions.Section, StringComparison.OrdinalIgnoreCase) && !name.Equals(section, StringComparison.OrdinalIgnoreCase)),
        ];
        if (unknown.Length > 0)
        {
            throw new ConfigurationException([.. unknown.Select(name => $"{name} is no section of this service's configuration: it has {ServiceOptions.Section} and {section}.")]);
        }
    }

    /// <param name="file">JSON.</param>
    /// <exception cref="ConfigurationException">The file is missing or no JSON.</exception>
    public static IConfigurationRoot Load(string file)
    {
        try
        {
            return new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(file), optional: false).AddEnvironmentVariables(EnvironmentPrefix).Build();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or FormatException)
        {
            string where = e.GetBaseException() is JsonException { LineNumber: { } line } ? $", line {line + 1}" : "";
            throw new ConfigurationException(
                [e is InvalidDataException or FormatException ? $"{file} is not the JSON that is expected{where}." : $"{file} cannot be read: {e.Message}"]);
        }
    }

    /// <param name="hasDatabase">Else it needs none.</param>
    /// <exception cref="ConfigurationException">A setting is missing, unknown or wrong.</exception>
    public static ServiceOptions Read(IConfiguration configuration, bool hasDatabase = true)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ServiceOptions? options;
        try
        {
            options = configuration.GetSection(ServiceOptions.Section).Get<ServiceOptions>(binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            throw NotBound(e);
        }

        if (options is null)
        {
            throw new ConfigurationException([$"Section {ServiceOptions.Section} is missing."]);
        }

        ThrowIfWrong(options, hasDatabase);
        return options;
    }

    /// <returns>What the driver says of a connection string: a keyword, never a value. Null: it can be read.</returns>
    private static string? WhyNot(DatabaseOptions options)
    {
        try
        {
            // Connects to nothing.
            new Database(options).DisposeAsync().AsTask().GetAwaiter().GetResult();
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message.ReplaceLineEndings(" ");
        }
    }

    [GeneratedRegex("^Failed to convert configuration value '.*' at '(?<setting>[^']*)' to type '(?<type>[^']*)'", RegexOptions.Singleline)]
    private static partial Regex Unconverted();

    [GeneratedRegex("properties were not found on the instance of (?<type>[^:]*): (?<names>.*)$", RegexOptions.Singleline)]
    private static partial Regex Unknown();

    /// <exception cref="ConfigurationException">A setting is missing or wrong.</exception>
    internal static void ThrowIfWrong(ServiceOptions options, bool hasDatabase = true)
    {
        var reasons = new List<string>();

        // The binder leaves null what is not there, also where the type says otherwise.
        LinkOptions? link = options.Link;
        DatabaseOptions? database = options.Database;
        RequestLimits limits = options.Limits;
        Need(options.Name is { Length: > 0 and <= MaxNameLength }, "Name", "1 to 64 characters");
        Need(Enum.IsDefined(options.Mode), "Mode", "Production, Demo or Development");
        Need(IPEndPoint.TryParse(options.Listen ?? "", out _), "Listen", "ADDRESS:PORT");
        Need(
            IPEndPoint.TryParse(options.Management ?? "", out IPEndPoint? management) && IPAddress.IsLoopback(management.Address),
            "Management",
            "ADDRESS:PORT on loopback: health and metrics are not for the network");
        Need(link is not null, "Link", "the files of the service's link certificate");
        if (link is not null)
        {
            Need(!string.IsNullOrEmpty(link.CertificateFile), "Link:CertificateFile", "a PEM file");
            Need(!string.IsNullOrEmpty(link.KeyFile), "Link:KeyFile", "a PKCS#8 PEM file");
            Need(!string.IsNullOrEmpty(link.SystemCaFile), "Link:SystemCaFile", "a PEM file");
            Need(link.LookEvery >= TimeSpan.Zero && link.LookEvery <= TimeSpan.FromHours(1), "Link:LookEvery", "up to one hour");
            Need(link.DegradedDays is >= 0 and <= 90, "Link:DegradedDays", "0 to 90");
            Need(link.RenewalUrl is null or { IsAbsoluteUri: true, Scheme: "https" }, "Link:RenewalUrl", "an https address");
            Need(
                link.PasswordVariable is null || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(link.PasswordVariable)),
                "Link:PasswordVariable",
                $"the name of an environment variable that is set; {link.PasswordVariable} is not");
        }

        Need(
            !hasDatabase || (Enum.IsDefined(database?.Kind ?? default) && !string.IsNullOrEmpty(database?.ConnectionString)),
            "Database",
            "Kind (Sqlite, PostgreSql or SqlServer) and ConnectionString");
        if (hasDatabase && database is { ConnectionString.Length: > 0 } && Enum.IsDefined(database.Kind) && WhyNot(database) is { } wrong)
        {
            reasons.Add($"{ServiceOptions.Section}:Database:ConnectionString is none of {database.Kind}: {wrong}");
        }

        Need(options.OtlpEndpoint is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "OtlpEndpoint", "an http or https address");
        Need(limits.BodyBytes is > 0 and <= 1L << 30, "Limits:BodyBytes", "1 to 1 GiB");
        Need(limits.HeaderBytes is >= 1024 and <= 1 << 20, "Limits:HeaderBytes", "1 KiB to 1 MiB");
        Need(limits.HeaderCount is >= 8 and <= 1000, "Limits:HeaderCount", "8 to 1000");
        Need(limits.RequestLineBytes is >= 256 and <= 1 << 20, "Limits:RequestLineBytes", "256 bytes to 1 MiB");
        Need(limits.Connections > 0, "Limits:Connections", "at least 1");
        Need(limits.BodyBytesPerSecond > 0, "Limits:BodyBytesPerSecond", "at least 1");
        Need(limits.RequestsPerSecond > 0 && limits.RequestsAtOnce > 0, "Limits:RequestsPerSecond and RequestsAtOnce", "at least 1");
        Need(limits.BodyGracePeriod > TimeSpan.FromSeconds(1), "Limits:BodyGracePeriod", "more than one second");
        foreach ((string name, TimeSpan time) in new[]
        {
            ("HandshakeTimeout", limits.HandshakeTimeout), ("HeadersTimeout", limits.HeadersTimeout),
            ("KeepAliveTimeout", limits.KeepAliveTimeout), ("RequestTimeout", limits.RequestTimeout),
        })
        {
            Need(time > TimeSpan.Zero && time <= TimeSpan.FromHours(1), $"Limits:{name}", "more than nothing, up to one hour");
        }

        if (reasons.Count > 0)
        {
            throw new ConfigurationException(reasons);
        }

        void Need(bool right, string setting, string expected)
        {
            if (!right)
            {
                reasons.Add($"{ServiceOptions.Section}:{setting} must be {expected}.");
            }
        }
    }
}
