using System.Buffers;
using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>
/// A CRL of any size that was published, as a relying party understands it: what it says of itself at once, its entries and its signature by walking through the stream in constant
/// memory. Whether it is made as it should be, <see cref="CrlLint"/> says. Not safe for use by several threads at once.
/// </summary>
public sealed class CrlFile
{
    private const int BufferLength = 1 << 16;

    private CrlFile(CrlView view)
    {
        View = view;
        Issuer = Der.Decode<Name>(view.Issuer.EncodedMemory);
        Algorithm = Der.Decode<AlgorithmIdentifier>(view.OuterAlgorithm.EncodedMemory);
        ThisUpdate = Der.Decode<Time>(view.ThisUpdate.EncodedMemory);
        NextUpdate = view.NextUpdate.Exists ? Der.Decode<Time>(view.NextUpdate.EncodedMemory) : null;
        Extensions? extensions = view.ExtensionsField.Exists ? Der.Decode<Extensions>(view.ExtensionsField.EncodedMemory) : null;
        Number = extensions?.Find<CrlNumber>()?.Number;
        BaseNumber = extensions?.Find<DeltaCrlIndicator>()?.BaseCrlNumber;
        AuthorityKeyIdentifier = extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier;
        Scope = extensions?.Find<IssuingDistributionPoint>();
    }

    /// <summary>For <see cref="CrlLint"/>.</summary>
    public CrlView View { get; }

    public Name Issuer { get; }

    /// <summary>The outer one; the inner is the same where <see cref="AlgorithmsAgree"/>.</summary>
    public AlgorithmIdentifier Algorithm { get; }

    /// <summary>RFC 5280 §5.1.1.2: octet for octet.</summary>
    public bool AlgorithmsAgree => View.InnerAlgorithm.Encoded.SequenceEqual(View.OuterAlgorithm.Encoded);

    public Time ThisUpdate { get; }

    /// <summary>Null: there is none, against RFC 5280 §5.1.2.5.</summary>
    public Time? NextUpdate { get; }

    /// <summary>Null: there is none.</summary>
    public BigInteger? Number { get; }

    /// <summary>Of the CRL that a delta amends; null: it is no delta.</summary>
    public BigInteger? BaseNumber { get; }

    /// <summary>The keyIdentifier; null: there is none.</summary>
    public ReadOnlyMemory<byte>? AuthorityKeyIdentifier { get; }

    /// <summary>Null: the CRL speaks of all certificates of its issuer.</summary>
    public IssuingDistributionPoint? Scope { get; }

    public CrlKind Kind => Scope is null ? CrlKind.Complete : Scope.OnlyContainsCaCerts ? CrlKind.Authorities : CrlKind.Partition;

    /// <summary>Bytes, from the first to the last.</summary>
    public long Length => View.Bytes.Length;

    /// <param name="stream">DER; seekable; read from its beginning to its end now and whenever entries are. Stays the caller's.</param>
    /// <exception cref="DerException">No CRL, or one whose fields cannot be understood.</exception>
    public static CrlFile Read(Stream stream) => Read(CrlView.Read(stream));

    /// <inheritdoc cref="Read(Stream)"/>
    /// <param name="der">Kept, not copied.</param>
    public static CrlFile Read(ReadOnlyMemory<byte> der) => Read(CrlView.Read(der));

    /// <inheritdoc cref="Read(Stream)"/>
    public static CrlFile Read(CrlView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return view.Fault is null ? new CrlFile(view) : throw new DerException($"Not a CRL: {view.Fault}.");
    }

    /// <summary>Each entry, in wire order. For <c>foreach</c>; it holds a buffer until the end.</summary>
    public CrlEntryReader ReadEntries() => View.ReadEntries();

    /// <summary>
    /// Whether the certificate is that of the CA and of the key that the CRL names: the subject octet for octet, the key identifier where the CRL and the certificate have one, and
    /// the right to sign CRLs. Says nothing of the signature.
    /// </summary>
    /// <exception cref="DerException">An extension of the certificate cannot be read.</exception>
    public bool IsOf(Certificate issuer)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        Extensions? extensions = issuer.Tbs.Extensions;
        return issuer.Tbs.Subject.Encoded.Span.SequenceEqual(Issuer.Encoded.Span)
            && (AuthorityKeyIdentifier is not { } aki || extensions?.Find<SubjectKeyIdentifier>() is not { } ski || ski.KeyIdentifier.Span.SequenceEqual(aki.Span))
            && (extensions?.Find<KeyUsage>() is not { } usage || usage.Usages.HasFlag(KeyUsages.CrlSign));
    }

    /// <summary>Whether the certificate's key signed these very bytes: one walk through the stream.</summary>
    /// <returns>False also for a key or an algorithm that is none of <see cref="SignatureCheck"/>'s, and where <see cref="AlgorithmsAgree"/> is not.</returns>
    /// <exception cref="DerException">The stream has become shorter.</exception>
    public bool IsSignedBy(Certificate issuer)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        return IsSignedBy(issuer.Tbs.SubjectPublicKeyInfo);
    }

    /// <inheritdoc cref="IsSignedBy(Certificate)"/>
    public bool IsSignedBy(SubjectPublicKeyInfo key)
    {
        var check = new SignatureCheck(key, Algorithm);
        using SignedDigest? digest = check.BeginMessage();
        if (digest is null || !AlgorithmsAgree || View.Signature.Content is not [0, ..])
        {
            return false;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            long at = View.TbsStart;
            for (long left = View.TbsLength; left > 0;)
            {
                int wanted = (int)Math.Min(left, buffer.Length);
                if (View.Bytes.Read(at, buffer.AsSpan(0, wanted)) != wanted)
                {
                    throw new DerException("The CRL is cut off: the file became shorter.");
                }

                digest.Append(buffer.AsSpan(0, wanted));
                at += wanted;
                left -= wanted;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return check.HoldsDigest(digest.Finish(), View.Signature.Content[1..].ToArray());
    }
}
