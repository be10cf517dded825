using ZwCa.Asn1.Pkix;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.OfficersApi;

/// <summary>Links of officers: named by their persons' ids.</summary>
public static class OfficerLinks
{
    /// <summary>In characters.</summary>
    public const int NameLength = 32;

    /// <returns>Whether it names a person.</returns>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length == NameLength && name.All(char.IsAsciiHexDigitLower);
    }

    /// <summary>Whoever is or was an officer by that certificate is heard over no link any more.</summary>
    public static async Task CloseAsync(CommandContext context, ClientStore clients, SerialNumber serial)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(clients);
        ArgumentNullException.ThrowIfNull(serial);
        byte[] person = await context.Transaction.GetAsync<byte[]>("SELECT person_id FROM officer WHERE certificate_serial = @Serial", new { Serial = serial.ToString() });
        await clients.DisableAllAsync(context.Transaction, context.Actor(), Convert.ToHexStringLower(person), ClientKind.Officer);
    }
}
