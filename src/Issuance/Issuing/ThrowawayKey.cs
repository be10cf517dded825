using System.Collections.Concurrent;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// Signs what is to be judged, with a signature of the right form by a key that certifies nothing. One for each algorithm and process; it is in no certificate, and what it
/// signed never leaves the judge.
/// </summary>
internal abstract class ThrowawayKey
{
    private static readonly ConcurrentDictionary<string, Lazy<ThrowawayKey>> Keys = [];

    /// <param name="algorithm">Of the issuer's signatures.</param>
    /// <exception cref="NotSupportedException">None that we sign with.</exception>
    public static ThrowawayKey Like(AlgorithmIdentifier algorithm) => Keys.GetOrAdd(
        algorithm.Algorithm,
        static oid => new Lazy<ThrowawayKey>(() => oid switch
        {
            Oids.Sm3WithSm2 => new Sm2(),
            Oids.EcdsaWithSha256 => new P256(),
            Oids.Sha256WithRsa or Oids.Sha384WithRsa or Oids.Sha512WithRsa or Oids.RsaPss => new Rsa(),
            _ => throw new NotSupportedException($"Nothing is signed with {oid} here."),
        })).Value;

    /// <returns>signatureValue.</returns>
    public abstract byte[] Sign(ReadOnlySpan<byte> tbs);

    private sealed class Sm2 : ThrowawayKey
    {
        private readonly Sm2PrivateKey _key = Sm2PrivateKey.Generate();

        public override byte[] Sign(ReadOnlySpan<byte> tbs)
        {
            Span<byte> signature = stackalloc byte[Cryptography.Sm2.SignatureSizeInBytes];
            _key.Sign(tbs, signature);
            return Der.Encode(Sm2Signature.FromRaw(signature));
        }
    }

    private sealed class P256 : ThrowawayKey
    {
        // .NET's keys promise nothing about threads.
        private readonly Lock _lock = new();
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public override byte[] Sign(ReadOnlySpan<byte> tbs)
        {
            lock (_lock)
            {
                return _key.SignData(tbs, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            }
        }
    }

    private sealed class Rsa : ThrowawayKey
    {
        private readonly Lock _lock = new();

        // PKCS #1 and PSS alike: a block as long as the modulus.
        private readonly RSA _key = RSA.Create(2048);

        public override byte[] Sign(ReadOnlySpan<byte> tbs)
        {
            lock (_lock)
            {
                return _key.SignData(tbs, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            }
        }
    }
}
