using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>How a scheme is said in PKCS#11: always over a digest made outside, so that the device gets little and need not know the hash.</summary>
/// <param name="Parameter">Of the mechanism, as its structure lies in memory.</param>
/// <param name="Prefix">Goes before the digest.</param>
internal sealed record SigningMechanism(nuint Mechanism, byte[] Parameter, byte[] Prefix)
{
    /// <exception cref="ArgumentOutOfRangeException">No scheme of PKCS#11 devices.</exception>
    public static SigningMechanism Of(SignatureScheme scheme) => scheme switch
    {
        SignatureScheme.EcdsaSha256 => new(CKM_ECDSA, [], []),
        SignatureScheme.RsaPkcs1Sha256 => Pkcs1(1, 32),
        SignatureScheme.RsaPkcs1Sha384 => Pkcs1(2, 48),
        SignatureScheme.RsaPkcs1Sha512 => Pkcs1(3, 64),
        SignatureScheme.RsaPssSha256 => Pss(CKM_SHA256, CKG_MGF1_SHA256, 32),
        SignatureScheme.RsaPssSha384 => Pss(CKM_SHA384, CKG_MGF1_SHA384, 48),
        SignatureScheme.RsaPssSha512 => Pss(CKM_SHA512, CKG_MGF1_SHA512, 64),
        _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "No scheme of PKCS#11 devices."),
    };

    /// <summary>What the device signs.</summary>
    public byte[] Data(ReadOnlySpan<byte> digest) => [.. Prefix, .. digest];

    /// <summary>
    /// The mechanism only pads: DigestInfo is ours to write. RFC 8017 §9.2 note 1: SEQUENCE { SEQUENCE { id-sha2-x, NULL }, OCTET STRING }.
    /// </summary>
    private static SigningMechanism Pkcs1(byte hash, byte length) => new(
        CKM_RSA_PKCS,
        [],
        [
            0x30, (byte)(17 + length),
            0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hash, 0x05, 0,
            0x04, length,
        ]);

    /// <summary>CK_RSA_PKCS_PSS_PARAMS: hash, mask generation, length of the salt.</summary>
    private static SigningMechanism Pss(nuint hash, nuint mask, nuint saltLength) =>
        new(CKM_RSA_PKCS_PSS, [.. Template.Value(hash), .. Template.Value(mask), .. Template.Value(saltLength)], []);
}
