using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>The digests that a CertID is met with; SHA-1 is what clients use unless told otherwise. It names the issuer here and protects nothing.</summary>
public enum CertIdHash
{
    Sha1,
    Sha256,
    Sm3,
}

/// <summary>CertIDs of our certificates (RFC 6960 §4.1.1): issuerKeyHash is over the value of the BIT STRING, 04‖X‖Y of an SM2 key.</summary>
public static class CertIds
{
    /// <summary>NULL, as openssl and nearly all clients write the parameters.</summary>
    private static readonly byte[] DerNull = [0x05, 0x00];

    /// <param name="issuer">The CA's certificate.</param>
    /// <param name="nullParameters">The parameters of the hash are NULL; else they are absent.</param>
    public static CertId Of(Certificate issuer, SerialNumber serialNumber, CertIdHash hash, bool nullParameters = true)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(serialNumber);
        AlgorithmIdentifier algorithm = nullParameters ? new AlgorithmIdentifier(Oid(hash), DerNull) : new AlgorithmIdentifier(Oid(hash));
        return new CertId(algorithm, NameHash(issuer, hash), KeyHash(issuer, hash), serialNumber);
    }

    /// <returns>Null: a hash that we do not answer for, or parameters other than absent or NULL.</returns>
    public static CertIdHash? HashOf(CertId certId)
    {
        ArgumentNullException.ThrowIfNull(certId);
        if (certId.HashAlgorithm.Parameters is { } parameters && !parameters.Span.SequenceEqual(DerNull))
        {
            return null;
        }

        return certId.HashAlgorithm.Algorithm switch
        {
            Oids.Sha1 => CertIdHash.Sha1,
            Oids.Sha256 => CertIdHash.Sha256,
            Oids.Sm3 => CertIdHash.Sm3,
            _ => null,
        };
    }

    internal static byte[] NameHash(Certificate issuer, CertIdHash hash) => Digest(hash, issuer.Tbs.Subject.Encoded.Span);

    internal static byte[] KeyHash(Certificate issuer, CertIdHash hash) => Digest(hash, issuer.Tbs.SubjectPublicKeyInfo.PublicKey.Span);

    private static string Oid(CertIdHash hash) => hash switch
    {
        CertIdHash.Sha1 => Oids.Sha1,
        CertIdHash.Sha256 => Oids.Sha256,
        CertIdHash.Sm3 => Oids.Sm3,
        _ => throw new ArgumentOutOfRangeException(nameof(hash), hash, "Not a hash of CertIDs."),
    };

    private static byte[] Digest(CertIdHash hash, ReadOnlySpan<byte> data) => hash switch
    {
        CertIdHash.Sha1 => SHA1.HashData(data),
        CertIdHash.Sha256 => SHA256.HashData(data),
        _ => Sm3.HashData(data),
    };
}

/// <summary>Finds the issuer that a CertID means, under each hash, by name and key both: a CA that changed its key has two. Immutable; safe for concurrent use.</summary>
public sealed class CertIdIndex
{
    private static readonly CertIdHash[] Hashes = Enum.GetValues<CertIdHash>();

    private readonly Dictionary<Key, Certificate> _issuers = [];

    /// <param name="issuers">CA certificates. Of several with the same name and key (renewed) the last one is found.</param>
    public CertIdIndex(params IEnumerable<Certificate> issuers)
    {
        ArgumentNullException.ThrowIfNull(issuers);
        foreach (Certificate issuer in issuers)
        {
            foreach (CertIdHash hash in Hashes)
            {
                _issuers[new Key(hash, CertIds.NameHash(issuer, hash), CertIds.KeyHash(issuer, hash))] = issuer;
            }
        }
    }

    /// <returns>Null: none of ours, or a hash that we do not answer for.</returns>
    public Certificate? Find(CertId certId) =>
        CertIds.HashOf(certId) is { } hash ? _issuers.GetValueOrDefault(new Key(hash, certId.IssuerNameHash, certId.IssuerKeyHash)) : null;

    private readonly record struct Key(CertIdHash Hash, ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> PublicKey)
    {
        public bool Equals(Key other) => Hash == other.Hash && Name.Span.SequenceEqual(other.Name.Span) && PublicKey.Span.SequenceEqual(other.PublicKey.Span);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(Hash);
            hash.AddBytes(PublicKey.Span);
            return hash.ToHashCode();
        }
    }
}
