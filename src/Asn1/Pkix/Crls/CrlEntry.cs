namespace ZwCa.Asn1.Pkix;

/// <summary>
/// One entry for <see cref="CrlWriter"/>: what a <see cref="RevokedCertificate"/> of ours says, without its objects. Indirect CRLs, whose entries have
/// a certificateIssuer, are not streamed (GM/T 0015-2012 §5.3 recommends against them).
/// </summary>
/// <param name="Reason">Unspecified: no reasonCode is written.</param>
/// <param name="InvalidityDate">Null: none is written.</param>
public readonly record struct CrlEntry(
    SerialNumber UserCertificate,
    Time RevocationDate,
    RevocationReason Reason = RevocationReason.Unspecified,
    Time? InvalidityDate = null)
{
    /// <summary>2 + serial 22 + GeneralizedTime 17 + extensions 2 + 12 + 26: all lengths in an entry take one octet.</summary>
    internal const int MaxEncodedLength = 81;

    private const int UtcTimeLength = 15;
    internal const int GeneralizedTimeLength = 17;

    public RevocationReason Reason { get; init => field = CrlReason.Check(value); } = CrlReason.Check(Reason);

    /// <summary>SEQUENCE { id-ce-cRLReasons, OCTET STRING { ENUMERATED …: all but the value.</summary>
    private static ReadOnlySpan<byte> ReasonCodePrefix => [0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01];

    /// <summary>SEQUENCE { id-ce-invalidityDate, OCTET STRING {: a GeneralizedTime follows.</summary>
    private static ReadOnlySpan<byte> InvalidityDatePrefix => [0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x18, 0x04, 0x11];

    /// <summary>The DER of <see cref="RevokedCertificate.Create"/> with the same values.</summary>
    /// <param name="destination">At least <see cref="MaxEncodedLength"/>.</param>
    /// <returns>Bytes written.</returns>
    internal int Encode(Span<byte> destination)
    {
        ReadOnlySpan<byte> serial = UserCertificate.Content;
        int extensionsLength = (Reason == RevocationReason.Unspecified ? 0 : ReasonCodePrefix.Length + 1)
            + (InvalidityDate is null ? 0 : InvalidityDatePrefix.Length + GeneralizedTimeLength);

        // SEQUENCE; its length is known at the end.
        destination[0] = DerHeader.Sequence;
        int at = 2;

        // userCertificate
        destination[at] = 0x02;
        destination[at + 1] = (byte)serial.Length;
        serial.CopyTo(destination[(at + 2)..]);
        at += 2 + serial.Length;

        // revocationDate
        DateTime revocationDate = RevocationDate.Value.UtcDateTime;
        at += revocationDate.Year < Time.FirstGeneralizedYear
            ? EncodeUtcTime(revocationDate, destination[at..])
            : EncodeGeneralizedTime(revocationDate, destination[at..]);

        // crlEntryExtensions
        if (extensionsLength > 0)
        {
            destination[at] = DerHeader.Sequence;
            destination[at + 1] = (byte)extensionsLength;
            at += 2;
        }

        if (Reason != RevocationReason.Unspecified)
        {
            ReasonCodePrefix.CopyTo(destination[at..]);
            at += ReasonCodePrefix.Length;
            destination[at] = (byte)Reason;
            at++;
        }

        if (InvalidityDate is { } invalidityDate)
        {
            InvalidityDatePrefix.CopyTo(destination[at..]);
            at += InvalidityDatePrefix.Length;
            at += EncodeGeneralizedTime(invalidityDate.Value.UtcDateTime, destination[at..]);
        }

        destination[1] = (byte)(at - 2);
        return at;
    }

    private static int EncodeUtcTime(DateTime time, Span<byte> destination)
    {
        destination[0] = 0x17;
        destination[1] = UtcTimeLength - 2;
        time.Deconstruct(out int year, out int month, out int day);
        EncodeFromYear(year % 100, month, day, time, destination[2..]);
        return UtcTimeLength;
    }

    private static int EncodeGeneralizedTime(DateTime time, Span<byte> destination)
    {
        destination[0] = 0x18;
        destination[1] = GeneralizedTimeLength - 2;
        time.Deconstruct(out int year, out int month, out int day);
        TwoDigits(year / 100, destination[2..]);
        EncodeFromYear(year % 100, month, day, time, destination[4..]);
        return GeneralizedTimeLength;
    }

    /// <summary>YYMMDDHHMMSSZ.</summary>
    private static void EncodeFromYear(int year, int month, int day, DateTime time, Span<byte> destination)
    {
        int secondOfDay = (int)(time.TimeOfDay.Ticks / TimeSpan.TicksPerSecond);
        destination[12] = (byte)'Z';
        TwoDigits(secondOfDay % 60, destination[10..]);
        TwoDigits(secondOfDay / 60 % 60, destination[8..]);
        TwoDigits(secondOfDay / 3600, destination[6..]);
        TwoDigits(day, destination[4..]);
        TwoDigits(month, destination[2..]);
        TwoDigits(year, destination);
    }

    private static void TwoDigits(int value, Span<byte> destination)
    {
        destination[1] = (byte)('0' + (value % 10));
        destination[0] = (byte)('0' + (value / 10));
    }
}
