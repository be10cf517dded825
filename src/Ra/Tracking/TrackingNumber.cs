namespace ZwCa.Ra.Tracking;

internal sealed record TrackingNumber(string Value)
{
    public static TrackingNumber Parse(string text) => new(text);

    public static TrackingNumber Create() => new(Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)));
}
