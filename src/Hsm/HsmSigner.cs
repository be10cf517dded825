using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Hsm;

/// <summary>
/// Signs messages with a key in a device: certificates, CRLs, OCSP responses, requests. The message is hashed here, the digest is signed there.
/// As an <see cref="X509SignatureGenerator"/> it serves .NET's CertificateRequest too. Safe for concurrent use.
/// </summary>
public sealed class HsmSigner : X509SignatureGenerator
{
    private readonly IHsm _hsm;
    private readonly HsmKey _key;
    private readonly SignatureScheme _scheme;
    private readonly SubjectPublicKeyInfo _publicKey;

    /// <summary>Null unless the scheme is SM2, whose digest depends on the key.</summary>
    private readonly Sm2PublicKey? _sm2Key;

    /// <summary>Signs with SM3 and SM2, SHA-256 and ECDSA, or SHA-256 and RSA PKCS #1 v1.5, as the key is.</summary>
    /// <inheritdoc cref="HsmSigner(IHsm, HsmKey, SignatureScheme)"/>
    public HsmSigner(IHsm hsm, HsmKey key)
        : this(hsm, key, DefaultScheme(key))
    {
    }

    /// <exception cref="ArgumentException">The key does not sign, not so, or its public key is not of its kind.</exception>
    public HsmSigner(IHsm hsm, HsmKey key, SignatureScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(hsm);
        ArgumentNullException.ThrowIfNull(key);
        if (!scheme.Fits(key.Kind))
        {
            throw new ArgumentException($"The key {key.Label} ({key.Kind}) does not sign with {scheme}.", nameof(scheme));
        }

        _hsm = hsm;
        _key = key;
        _scheme = scheme;
        _publicKey = key.PublicKey ?? throw new ArgumentException($"The key {key.Label} has no public key.", nameof(key));
        bool isOfKind = scheme switch
        {
            SignatureScheme.Sm2 => _publicKey.TryGetSm2Key(out _sm2Key),
            SignatureScheme.EcdsaSha256 => _publicKey.Algorithm == AlgorithmIdentifier.EcKey(Oids.P256),
            _ => _publicKey.Algorithm == AlgorithmIdentifier.Rsa,
        };
        if (!isOfKind)
        {
            throw new ArgumentException($"The public key of {key.Label} is not {key.Kind}.", nameof(key));
        }
    }

    /// <summary>Of the key that signs.</summary>
    public SubjectPublicKeyInfo SubjectPublicKeyInfo => _publicKey;

    /// <summary>The name of SM3 where .NET asks for that of a hash.</summary>
    public static HashAlgorithmName Sm3 { get; } = new("SM3");

    /// <summary>What a CertificateRequest that this signs has to name.</summary>
    public HashAlgorithmName HashAlgorithm => _scheme switch
    {
        SignatureScheme.Sm2 => Sm3,
        SignatureScheme.RsaPkcs1Sha384 or SignatureScheme.RsaPssSha384 => HashAlgorithmName.SHA384,
        SignatureScheme.RsaPkcs1Sha512 or SignatureScheme.RsaPssSha512 => HashAlgorithmName.SHA512,
        _ => HashAlgorithmName.SHA256,
    };

    /// <summary>For the signature fields of what is signed.</summary>
    public AlgorithmIdentifier AlgorithmIdentifier => _scheme switch
    {
        SignatureScheme.Sm2 => AlgorithmIdentifier.Sm3WithSm2,
        SignatureScheme.EcdsaSha256 => AlgorithmIdentifier.EcdsaWithSha256,
        SignatureScheme.RsaPkcs1Sha256 => AlgorithmIdentifier.Sha256WithRsa,
        SignatureScheme.RsaPkcs1Sha384 => AlgorithmIdentifier.Sha384WithRsa,
        SignatureScheme.RsaPkcs1Sha512 => AlgorithmIdentifier.Sha512WithRsa,
        SignatureScheme.RsaPssSha256 => AlgorithmIdentifier.RsaPss(Oids.Sha256, _scheme.DigestLength()),
        SignatureScheme.RsaPssSha384 => AlgorithmIdentifier.RsaPss(Oids.Sha384, _scheme.DigestLength()),
        SignatureScheme.RsaPssSha512 => AlgorithmIdentifier.RsaPss(Oids.Sha512, _scheme.DigestLength()),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <returns>What goes into signatureValue: for SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA as many bytes as the modulus has.</returns>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public async Task<byte[]> SignAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        byte[] digest = new byte[_scheme.DigestLength()];
        ComputeDigest(message.Span, digest);
        return await SignDigestAsync(digest, cancellationToken);
    }

    /// <summary>For a message that is too long to be held, such as a CRL.</summary>
    public HsmMessage BeginMessage() => new(this, _sm2Key, HashAlgorithm);

    /// <summary>Ends the message and signs it. After a failure it may be signed again.</summary>
    /// <returns>As <see cref="SignAsync(ReadOnlyMemory{byte}, CancellationToken)"/> gives it.</returns>
    /// <exception cref="ArgumentException">Begun by another signer.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public async Task<byte[]> SignAsync(HsmMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ReferenceEquals(message.Signer, this)
            ? await SignDigestAsync(message.GetDigest(), cancellationToken)
            : throw new ArgumentException("The message was begun by another signer.", nameof(message));
    }

    /// <summary>Signs many messages in one call to the driver.</summary>
    /// <returns>One signature for each message, in their order, as <see cref="SignAsync(ReadOnlyMemory{byte}, CancellationToken)"/> gives it.</returns>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public async Task<IReadOnlyList<byte[]>> SignManyAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> messages, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
        {
            return [];
        }

        int digestLength = _scheme.DigestLength();
        byte[] digests = new byte[messages.Count * digestLength];
        for (int i = 0; i < messages.Count; i++)
        {
            ComputeDigest(messages[i].Span, digests.AsSpan(i * digestLength, digestLength));
        }

        byte[] signatures = await _hsm.SignManyAsync(_key, _scheme, digests, cancellationToken);
        RequireLength(signatures, messages.Count);
        int signatureLength = _scheme.SignatureLength(_key.Kind);
        return [.. Enumerable.Range(0, messages.Count).Select(i => Encode(signatures.AsSpan(i * signatureLength, signatureLength)))];
    }

    /// <returns>DER of <see cref="AlgorithmIdentifier"/>.</returns>
    /// <exception cref="ArgumentException">Another hash than <see cref="HashAlgorithm"/>.</exception>
    public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
    {
        RequireHash(hashAlgorithm);
        return Der.Encode(AlgorithmIdentifier);
    }

    /// <summary><see cref="SignAsync(ReadOnlyMemory{byte}, CancellationToken)"/> for callers that cannot wait otherwise: it holds the thread while the device works.</summary>
    /// <exception cref="ArgumentException">Another hash than <see cref="HashAlgorithm"/>.</exception>
    public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm)
    {
        ArgumentNullException.ThrowIfNull(data);
        RequireHash(hashAlgorithm);

        // On another thread: the caller's context may have one thread only, and this holds it.
        return Task.Run(() => SignAsync(data)).GetAwaiter().GetResult();
    }

    protected override PublicKey BuildPublicKey()
    {
        var algorithm = new Oid(_publicKey.Algorithm.Algorithm);
        return new PublicKey(
            algorithm,
            new AsnEncodedData(algorithm, _publicKey.Algorithm.Parameters.GetValueOrDefault().Span),
            new AsnEncodedData(algorithm, _publicKey.PublicKey.Span));
    }

    private async Task<byte[]> SignDigestAsync(ReadOnlyMemory<byte> digest, CancellationToken cancellationToken)
    {
        byte[] signature = await _hsm.SignAsync(_key, _scheme, digest, cancellationToken);
        RequireLength(signature, 1);
        return Encode(signature);
    }

    private static SignatureScheme DefaultScheme(HsmKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Kind switch
        {
            HsmKeyKind.Sm2 => SignatureScheme.Sm2,
            HsmKeyKind.P256 => SignatureScheme.EcdsaSha256,
            HsmKeyKind.Rsa2048 or HsmKeyKind.Rsa3072 or HsmKeyKind.Rsa4096 => SignatureScheme.RsaPkcs1Sha256,
            _ => throw new ArgumentException($"The key {key.Label} ({key.Kind}) does not sign.", nameof(key)),
        };
    }

    private void RequireHash(HashAlgorithmName hashAlgorithm)
    {
        if (hashAlgorithm != HashAlgorithm)
        {
            throw new ArgumentException($"The key {_key.Label} signs {HashAlgorithm} with {_scheme}, not {hashAlgorithm}.", nameof(hashAlgorithm));
        }
    }

    private void ComputeDigest(ReadOnlySpan<byte> message, Span<byte> digest)
    {
        if (_sm2Key is not null)
        {
            _sm2Key.ComputeDigest(message, digest);
            return;
        }

        CryptographicOperations.HashData(HashAlgorithm, message, digest);
    }

    private void RequireLength(byte[] signatures, int count)
    {
        int expected = count * _scheme.SignatureLength(_key.Kind);
        if (signatures.Length != expected)
        {
            throw new HsmException(
                HsmFailure.DeviceError, $"The device gave {signatures.Length} bytes of signatures by {_key.Label}, not {expected}.");
        }
    }

    // RFC 3279 §2.2.3: Ecdsa-Sig-Value is the same SEQUENCE of two INTEGERs as SM2Signature.
    private byte[] Encode(ReadOnlySpan<byte> signature) =>
        _scheme is SignatureScheme.Sm2 or SignatureScheme.EcdsaSha256 ? Der.Encode(Sm2Signature.FromRaw(signature)) : signature.ToArray();
}
