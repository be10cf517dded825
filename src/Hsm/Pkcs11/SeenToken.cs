using System.Text;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>A token in a slot of the library.</summary>
/// <param name="Flags">CK_TOKEN_INFO flags.</param>
internal sealed record SeenToken(nuint Slot, string Label, string Serial, string Model, nuint Flags)
{
    public bool IsInitialized => (Flags & CKF_TOKEN_INITIALIZED) != 0;

    public bool NeedsLogin => (Flags & CKF_LOGIN_REQUIRED) != 0;

    /// <summary>All tokens; those that do not say what they are, are left out.</summary>
    public static IReadOnlyList<SeenToken> All(Pkcs11Module module)
    {
        var tokens = new List<SeenToken>();
        foreach (nuint slot in module.GetSlots())
        {
            try
            {
                tokens.Add(Of(module, slot));
            }
            catch (CkException e) when (e.Result.IsDeviceAway() || e.Result == CkResult.CKR_DEVICE_ERROR)
            {
                // Of many devices behind one library some may be away. Each is told apart from the others by what is missing in the list.
                continue;
            }
        }

        return tokens;
    }

    public static unsafe SeenToken Of(Pkcs11Module module, nuint slot)
    {
        CkTokenInfo info = module.GetTokenInfo(slot);
        string version = $"{Text(info.ManufacturerId, 32)} {Text(info.Model, 16)}, firmware {info.FirmwareMajor}.{info.FirmwareMinor}";
        return new SeenToken(slot, Text(info.Label, 32), Text(info.SerialNumber, 16), version, info.Flags);
    }

    /// <param name="serial">Null: any.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.TokenNotFound"/>: none, or several.</exception>
    public static SeenToken Choose(IReadOnlyList<SeenToken> seen, string label, string? serial)
    {
        SeenToken[] fit = [.. seen.Where(t => t.IsInitialized && t.Label == label && (serial is null || t.Serial == serial))];
        string wanted = serial is null ? $"the label \"{label}\"" : $"the label \"{label}\" and the serial \"{serial}\"";
        return fit switch
        {
            [SeenToken token] => token,
            [] => throw new HsmException(HsmFailure.TokenNotFound, $"No token has {wanted}. {List(seen)}"),
            _ => throw new HsmException(HsmFailure.TokenNotFound, $"{fit.Length} tokens have {wanted}: a serial has to say which. {List(fit)}"),
        };
    }

    public static string List(IReadOnlyList<SeenToken> seen) =>
        seen.Count == 0 ? "No token is seen." : $"Tokens seen: {string.Join("; ", seen)}.";

    public override string ToString() =>
        IsInitialized ? $"label \"{Label}\", serial \"{Serial}\", {Model}, slot {Slot}" : $"not initialized, {Model}, slot {Slot}";

    /// <summary>UTF-8 that blanks (of some devices: zeros) pad.</summary>
    private static unsafe string Text(byte* padded, int length) => Encoding.UTF8.GetString(padded, length).TrimEnd(' ', '\0');
}
