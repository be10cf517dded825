using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>What a pre-signed response says of one certificate.</summary>
/// <param name="serialNumber">Content of its INTEGER, 1 to 20 bytes.</param>
/// <param name="revokedAt">Unix seconds. Null: it is good.</param>
/// <param name="reason">Unspecified: it is left out.</param>
/// <param name="thisUpdate">Unix seconds; producedAt too.</param>
/// <param name="nextUpdate">Unix seconds.</param>
public readonly ref struct OcspFacts(ReadOnlySpan<byte> serialNumber, long? revokedAt, RevocationReason reason, long thisUpdate, long nextUpdate)
{
    public ReadOnlySpan<byte> SerialNumber { get; } = serialNumber;

    public long? RevokedAt { get; } = revokedAt;

    public RevocationReason Reason { get; } = reason;

    public long ThisUpdate { get; } = thisUpdate;

    public long NextUpdate { get; } = nextUpdate;
}

/// <summary>
/// The bytes of pre-signed responses of one issuer, one signer and one hash, without building them as objects: byte for byte those of <see cref="OcspResponder"/> (RFC 6960 §4.2.1) for a single
/// CertID whose hash parameters are NULL, responderID by key, no extension. Immutable; safe for concurrent use.
/// </summary>
public sealed class OcspTemplate
{
    /// <summary>A response of it is never longer, beside certificate and signature.</summary>
    private const int Room = 512;

    private const int TimeLength = 17;

    private static readonly byte[] Basic = Der.Encode(new AlgorithmIdentifier(Oids.OcspBasic))[2..];

    private readonly byte[] _algorithm;
    private readonly byte[] _responderId;
    private readonly byte[] _certIdHead;
    private readonly byte[] _certificates;
    private readonly bool _isSm2;

    /// <param name="responder">Delegated; null: the issuer signs by itself.</param>
    /// <exception cref="ArgumentException">Its key is neither SM2 nor RSA.</exception>
    public OcspTemplate(Certificate issuer, Certificate? responder, CertIdHash hash)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        SubjectPublicKeyInfo key = (responder ?? issuer).Tbs.SubjectPublicKeyInfo;
        _isSm2 = key.TryGetSm2Key(out _);
        _algorithm = Der.Encode(_isSm2 ? AlgorithmIdentifier.Sm3WithSm2
            : key.Algorithm == AlgorithmIdentifier.Rsa ? AlgorithmIdentifier.Sha256WithRsa
            : throw new ArgumentException("Pre-signed responses are signed with SM2 or RSA.", nameof(responder)));
        _responderId = [0xA2, 0x16, 0x04, 0x14, .. SHA1.HashData(key.PublicKey.Span)];
        CertId sample = CertIds.Of(issuer, SerialNumber.Parse("01"), hash);
        byte[] encoded = Der.Encode(sample);
        _certIdHead = encoded[2..^3];
        byte[] certificate = responder is null ? [] : Der.Encode(responder);
        byte[] buffer = new byte[certificate.Length + 16];
        var writer = new BackwardDer(buffer);
        if (responder is not null)
        {
            writer.Bytes(certificate);
            writer.Head(0x30, 0);
            writer.Head(0xA0, 0);
        }

        _certificates = writer.Written.ToArray();
    }

    /// <summary>Bytes; no response of it is longer.</summary>
    public int MaxLength(int signatureLength) => Room + _certificates.Length + signatureLength;

    /// <param name="destination"><see cref="MaxLength"/> bytes; the TBS is at its end.</param>
    /// <returns>DER of ResponseData.</returns>
    public ReadOnlySpan<byte> WriteTbs(Span<byte> destination, in OcspFacts facts)
    {
        var writer = new BackwardDer(destination);
        WriteTbs(ref writer, facts);
        return writer.Written;
    }

    /// <param name="destination"><see cref="MaxLength"/> bytes; the response is at its end.</param>
    /// <param name="signature">For SM2 r‖s, 64 bytes; for RSA as many as the modulus has.</param>
    /// <returns>DER of OCSPResponse.</returns>
    public ReadOnlySpan<byte> Write(Span<byte> destination, in OcspFacts facts, ReadOnlySpan<byte> signature)
    {
        var writer = new BackwardDer(destination);
        writer.Bytes(_certificates);
        int end = writer.Position;
        if (_isSm2)
        {
            if (signature.Length != Sm2Signature.RawLength)
            {
                throw new ArgumentException("An SM2 signature has 64 bytes.", nameof(signature));
            }

            int sequenceEnd = writer.Position;
            writer.Unsigned(signature[(Sm2Signature.RawLength / 2)..]);
            writer.Unsigned(signature[..(Sm2Signature.RawLength / 2)]);
            writer.Head(0x30, sequenceEnd);
        }
        else
        {
            writer.Bytes(signature);
        }

        writer.Bytes([0]);
        writer.Head(0x03, end);
        writer.Bytes(_algorithm);
        WriteTbs(ref writer, facts);
        writer.Head(0x30, 0);
        writer.Head(0x04, 0);
        writer.Bytes(Basic);
        writer.Head(0x30, 0);
        writer.Head(0xA0, 0);
        writer.Bytes([0x0A, 0x01, 0x00]);
        writer.Head(0x30, 0);
        return writer.Written;
    }

    private void WriteTbs(ref BackwardDer writer, in OcspFacts facts)
    {
        int end = writer.Position;

        // SingleResponse: nextUpdate, thisUpdate, certStatus, certID.
        writer.Time(facts.NextUpdate);
        writer.Bytes([0xA0, TimeLength]);
        writer.Time(facts.ThisUpdate);
        if (facts.RevokedAt is { } revokedAt)
        {
            int revokedEnd = writer.Position;
            if (facts.Reason != RevocationReason.Unspecified)
            {
                writer.Bytes([0xA0, 0x03, 0x0A, 0x01, (byte)facts.Reason]);
            }

            writer.Time(revokedAt);
            writer.Head(0xA1, revokedEnd);
        }
        else
        {
            writer.Bytes([0x80, 0x00]);
        }

        int certIdEnd = writer.Position;
        writer.Bytes(facts.SerialNumber);
        writer.Head(0x02, certIdEnd);
        writer.Bytes(_certIdHead);
        writer.Head(0x30, certIdEnd);
        writer.Head(0x30, end);
        writer.Head(0x30, end);

        writer.Time(facts.ThisUpdate);
        writer.Bytes(_responderId);
        writer.Head(0x30, end);
    }

    /// <summary>From the end to the beginning: so each length is known when it is written.</summary>
    private ref struct BackwardDer(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;
        private int _start = destination.Length;

        /// <summary>Bytes from the end.</summary>
        public readonly int Position => _destination.Length - _start;

        public readonly ReadOnlySpan<byte> Written => _destination[_start..];

        public void Bytes(scoped ReadOnlySpan<byte> bytes)
        {
            _start -= bytes.Length;
            bytes.CopyTo(_destination[_start..]);
        }

        /// <summary>Tag and length of what was written since <paramref name="position"/>.</summary>
        public void Head(byte tag, int position)
        {
            int length = Position - position;
            if (length < 0x80)
            {
                Bytes([tag, (byte)length]);
            }
            else if (length <= 0xFF)
            {
                Bytes([tag, 0x81, (byte)length]);
            }
            else
            {
                Bytes([tag, 0x82, checked((byte)(length >> 8)), (byte)(length & 0xFF)]);
            }
        }

        /// <summary>A positive INTEGER.</summary>
        /// <param name="number">Big-endian; not zero.</param>
        public void Unsigned(scoped ReadOnlySpan<byte> number)
        {
            int end = Position;
            number = number.TrimStart((byte)0);
            Bytes(number);
            if (number.IsEmpty || number[0] >= 0x80)
            {
                Bytes([0]);
            }

            Head(0x02, end);
        }

        /// <summary>GeneralizedTime in seconds, Z.</summary>
        public void Time(long unixSeconds)
        {
            Span<byte> text = stackalloc byte[TimeLength];
            DateTime time = DateTime.UnixEpoch.AddSeconds(unixSeconds);
            text[0] = 0x18;
            text[1] = TimeLength - 2;
            Digits(text[2..], time.Year, 4);
            Digits(text[6..], time.Month, 2);
            Digits(text[8..], time.Day, 2);
            Digits(text[10..], time.Hour, 2);
            Digits(text[12..], time.Minute, 2);
            Digits(text[14..], time.Second, 2);
            text[16] = (byte)'Z';
            Bytes(text);
        }

        private static void Digits(Span<byte> text, int number, int count)
        {
            for (int i = count - 1; i >= 0; i--)
            {
                text[i] = (byte)('0' + (number % 10));
                number /= 10;
            }
        }
    }
}
