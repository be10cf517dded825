using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop;

/// <summary>Signatures that openssl has no command to verify whole: it gets the parts.</summary>
internal static class Judgement
{
    /// <summary><c>openssl dgst -verify</c>, for SM2 with the default identity.</summary>
    /// <param name="signature">For SM2 and ECDSA the DER of SEQUENCE { r, s }.</param>
    public static void VerifiesSignature(this OpenSsl openssl, KeyKind kind, SubjectPublicKeyInfo key, byte[] message, byte[] signature) =>
        Assert.Equal("Verified OK", openssl.Run(Arguments(openssl, kind, key, message, signature)).Text.Trim());

    /// <summary>The control of <see cref="VerifiesSignature"/>.</summary>
    public static void RefusesSignature(this OpenSsl openssl, KeyKind kind, SubjectPublicKeyInfo key, byte[] message, byte[] signature) =>
        openssl.Refuses("Verification failure", Arguments(openssl, kind, key, message, signature));

    /// <summary>
    /// <c>SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING … }</c>, as certificates, CRLs, requests and OCSP responses all are: cut apart
    /// by openssl, verified by openssl, and refused once a byte of the TBS is another.
    /// </summary>
    public static void VerifiesSigned(this OpenSsl openssl, KeyKind kind, SubjectPublicKeyInfo key, ReadOnlySpan<byte> signed)
    {
        ParsedDer parsed = ParsedDer.Of(openssl, signed);
        IReadOnlyList<ParsedDer.Element> fields = parsed.AtDepth(1);
        byte[] tbs = parsed.Encoded(fields[0]);
        byte[] signature = parsed.Bits(fields[2]);
        openssl.VerifiesSignature(kind, key, tbs, signature);

        tbs[^1] ^= 1;
        openssl.RefusesSignature(kind, key, tbs, signature);
    }

    private static string[] Arguments(OpenSsl openssl, KeyKind kind, SubjectPublicKeyInfo key, byte[] message, byte[] signature) =>
    [
        "dgst", "-" + kind.Digest(), .. kind.SignOptions(),
        "-verify", openssl.WritePem("signer.pem", Pem.PublicKey, key),
        "-signature", openssl.Write("signature.bin", signature),
        openssl.Write("message.bin", message),
    ];
}
