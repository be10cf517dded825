using ZwCa.Issuance;

namespace ZwCa.Ocsp.Answers;

/// <summary>
/// The request that nearly all clients send: one CertID with NULL parameters and one of the three hashes, nothing besides. Where it is another one, or none, it says so and no more:
/// <see cref="ZwCa.Asn1.Ocsp.OcspRequest"/> has the word then, and is what the tests hold this against.
/// </summary>
internal readonly ref struct PlainRequest
{
    private const int MaxSerial = 20;

    private PlainRequest(CertIdHash hash, ReadOnlySpan<byte> nameHash, ReadOnlySpan<byte> keyHash, ReadOnlySpan<byte> serialNumber)
    {
        Hash = hash;
        NameHash = nameHash;
        KeyHash = keyHash;
        SerialNumber = serialNumber;
    }

    public CertIdHash Hash { get; }

    public ReadOnlySpan<byte> NameHash { get; }

    public ReadOnlySpan<byte> KeyHash { get; }

    /// <summary>Content of its INTEGER.</summary>
    public ReadOnlySpan<byte> SerialNumber { get; }

    /// <summary>SEQUENCE { OBJECT IDENTIFIER, NULL }, with head.</summary>
    private static ReadOnlySpan<byte> Sha1 => [0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00];

    private static ReadOnlySpan<byte> Sha256 => [0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];

    private static ReadOnlySpan<byte> Sm3 => [0x30, 0x0C, 0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x11, 0x05, 0x00];

    public static bool TryRead(ReadOnlySpan<byte> request, out PlainRequest plain)
    {
        plain = default;

        // OCSPRequest, TBSRequest, requestList, Request, CertID: each is all that the one around it has.
        for (int level = 0; level < 5; level++)
        {
            if (request.Length < 2 || request[0] != 0x30 || request[1] >= 0x80 || request[1] != request.Length - 2)
            {
                return false;
            }

            request = request[2..];
        }

        CertIdHash hash;
        int length;
        if (request.StartsWith(Sha1))
        {
            (hash, length) = (CertIdHash.Sha1, 20);
            request = request[Sha1.Length..];
        }
        else if (request.StartsWith(Sha256))
        {
            (hash, length) = (CertIdHash.Sha256, 32);
            request = request[Sha256.Length..];
        }
        else if (request.StartsWith(Sm3))
        {
            (hash, length) = (CertIdHash.Sm3, 32);
            request = request[Sm3.Length..];
        }
        else
        {
            return false;
        }

        int hashes = 2 * (length + 2);
        if (request.Length < hashes + 3 || request[0] != 0x04 || request[1] != length || request[length + 2] != 0x04 || request[length + 3] != length)
        {
            return false;
        }

        // A positive INTEGER in its shortest form.
        ReadOnlySpan<byte> serial = request[(hashes + 2)..];
        if (request[hashes] != 0x02 || request[hashes + 1] != serial.Length || serial.Length > MaxSerial || serial[0] >= 0x80 || (serial[0] == 0 && (serial.Length == 1 || serial[1] < 0x80)))
        {
            return false;
        }

        plain = new PlainRequest(hash, request.Slice(2, length), request.Slice(length + 4, length), serial);
        return true;
    }
}
