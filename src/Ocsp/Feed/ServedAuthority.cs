using System.Collections.Frozen;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Ocsp.Feed;

/// <summary>A CA that the feed speaks of.</summary>
internal sealed class ServedAuthority
{
    private readonly (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Key)[] _hashes;

    public ServedAuthority(short number, Certificate certificate)
    {
        Number = number;
        Certificate = certificate;
        _hashes = [.. Enum.GetValues<CertIdHash>().Select(hash =>
        {
            CertId sample = CertIds.Of(certificate, SerialNumber.Parse("01"), hash);
            return (sample.IssuerNameHash, sample.IssuerKeyHash);
        })];
        KeyId = certificate.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } identifier ? Convert.ToHexStringLower(identifier.KeyIdentifier.Span) : null;
        Encoded = Der.Encode(certificate);
    }

    public short Number { get; }

    public Certificate Certificate { get; }

    /// <summary>DER.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Its subject key identifier, as URLs have it. Null: it has none.</summary>
    public string? KeyId { get; }

    public bool IsMeant(CertIdHash hash, ReadOnlySpan<byte> nameHash, ReadOnlySpan<byte> keyHash)
    {
        (ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> key) = _hashes[(int)hash];
        return key.Span.SequenceEqual(keyHash) && name.Span.SequenceEqual(nameHash);
    }

    /// <summary>Whether they are one CA: a renewed certificate is another, with the same name and the same key.</summary>
    public bool IsSame(ServedAuthority other) =>
        Certificate.Tbs.Subject == other.Certificate.Tbs.Subject && Certificate.Tbs.SubjectPublicKeyInfo == other.Certificate.Tbs.SubjectPublicKeyInfo;
}

/// <summary>By whom responses were signed ahead of time, and how their bytes are made, for each hash.</summary>
internal sealed class ServedSigner
{
    /// <summary>So that a response has room in <see cref="Answers.AnswerOcsp.MaxResponse"/>.</summary>
    private const int MaxCertificate = 12 << 10;

    private readonly OcspTemplate[] _templates;

    /// <param name="certificate">Null: the CA itself.</param>
    /// <exception cref="ArgumentException">Its key is neither SM2 nor RSA.</exception>
    public ServedSigner(ServedAuthority authority, Certificate? certificate)
    {
        Authority = authority.Number;
        SubjectPublicKeyInfo key = (certificate ?? authority.Certificate).Tbs.SubjectPublicKeyInfo;
        IsSm2 = key.TryGetSm2Key(out _);
        if (certificate is not null && Der.Encode(certificate).Length > MaxCertificate)
        {
            throw new ArgumentException("Its certificate is too long.", nameof(certificate));
        }

        _templates = [.. Enum.GetValues<CertIdHash>().Select(hash => new OcspTemplate(authority.Certificate, certificate, hash))];
    }

    public short Authority { get; }

    public bool IsSm2 { get; }

    public OcspTemplate For(CertIdHash hash) => _templates[(int)hash];
}

/// <summary>The CAs and signers that the feed has named so far. Immutable: a change makes another one.</summary>
internal sealed class ServedAuthorities
{
    private readonly FrozenDictionary<short, ServedAuthority> _authorities;
    private readonly FrozenDictionary<short, ServedSigner> _signers;
    private readonly ServedAuthority[] _all;

    private ServedAuthorities(IEnumerable<ServedAuthority> authorities, IEnumerable<KeyValuePair<short, ServedSigner>> signers)
    {
        _authorities = authorities.ToFrozenDictionary(each => each.Number);
        _signers = signers.ToFrozenDictionary();
        _all = [.. _authorities.Values.OrderBy(each => each.Number)];
    }

    public static ServedAuthorities None { get; } = new([], []);

    public IReadOnlyList<ServedAuthority> All => _all;

    /// <returns>Null: none of ours.</returns>
    public ServedAuthority? Find(CertIdHash hash, ReadOnlySpan<byte> nameHash, ReadOnlySpan<byte> keyHash)
    {
        // They are few.
        foreach (ServedAuthority each in _all)
        {
            if (each.IsMeant(hash, nameHash, keyHash))
            {
                return each;
            }
        }

        return null;
    }

    public ServedAuthority? Find(short number) => _authorities.GetValueOrDefault(number);

    public ServedSigner? FindSigner(short number) => _signers.GetValueOrDefault(number);

    public ServedAuthority? FindByKeyId(ReadOnlySpan<char> keyId)
    {
        foreach (ServedAuthority each in _all)
        {
            if (keyId.SequenceEqual(each.KeyId))
            {
                return each;
            }
        }

        return null;
    }

    /// <exception cref="FeedRefusedException">The number is another CA's, or the CA has another number: a CertID would mean two of them.</exception>
    public ServedAuthorities With(short number, Certificate certificate)
    {
        var added = new ServedAuthority(number, certificate);
        if (_all.FirstOrDefault(each => each.IsSame(added) != (each.Number == number)) is { } other)
        {
            throw new FeedRefusedException($"The feed gives the number {number} to a CA, and {other.Number} is {(other.IsSame(added) ? "the same one" : "another one")}.");
        }

        return new ServedAuthorities([.. _all.Where(each => each.Number != number), added], _signers);
    }

    /// <exception cref="FeedRefusedException">Its CA is not known, the number is another's, or responses cannot be signed with such a key.</exception>
    public ServedAuthorities WithSigner(short number, short authority, Certificate? certificate)
    {
        ServedAuthority of = Find(authority) ?? throw new FeedRefusedException($"The feed names the signer {number} of the CA {authority}, which it has not named.");
        if (FindSigner(number) is { } known && known.Authority != authority)
        {
            throw new FeedRefusedException($"The feed gives the number {number} to a signer of the CA {authority}; it is one of {known.Authority}.");
        }

        try
        {
            return new ServedAuthorities(_all, [.. _signers.Where(each => each.Key != number), new(number, new ServedSigner(of, certificate))]);
        }
        catch (ArgumentException e)
        {
            throw new FeedRefusedException($"The signer {number} of the feed: {e.Message}");
        }
    }
}
