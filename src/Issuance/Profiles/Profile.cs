using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// What a certificate may say: parsed from JSON, checked, and from then on unchangeable. It is identified by its name and <see cref="Hash"/>; a change of anything makes another
/// profile. Safe for concurrent use.
/// </summary>
public sealed class Profile
{
    /// <summary>Characters of the JSON text that are read.</summary>
    public const int MaxLength = 64 * 1024;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = 8,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private static readonly FrozenDictionary<string, string> PurposeNames = new Dictionary<string, string>
    {
        ["serverAuth"] = Oids.ServerAuth,
        ["clientAuth"] = Oids.ClientAuth,
        ["emailProtection"] = Oids.EmailProtection,
        ["timeStamping"] = Oids.TimeStamping,
        ["ocspSigning"] = Oids.OcspSigning,
    }.ToFrozenDictionary();

    private Profile(ProfileOptions options)
    {
        ProfileCheck.RequireNoNull(options);
        Options = options;
        CanonicalJson = Canonical.Write(JsonSerializer.SerializeToNode(options, Json)!);
        Hash = Sm3.HashData(Encoding.UTF8.GetBytes(CanonicalJson));
        Attributes = [.. options.Subject.Select(SubjectAttribute.Parse)];
        KeyUsage = new KeyUsage(options.KeyUsage.Usages.Aggregate(KeyUsages.None, (all, each) => all | each));
        Purposes = [.. (options.ExtendedKeyUsage?.Purposes ?? []).Select(PurposeOid)];
        ProfileCheck.Require(this);
    }

    public string Name => Options.Name;

    /// <summary>SM3 of <see cref="CanonicalJson"/> in UTF-8, 32 bytes.</summary>
    public ReadOnlyMemory<byte> Hash { get; }

    /// <summary>All that the profile says, defaults included, save of what profiles did not have at first, so that no hash changes; keys in the order of their code points, no white space.</summary>
    public string CanonicalJson { get; }

    public ProfileOptions Options { get; }

    /// <summary>In the order of the DN.</summary>
    public IReadOnlyList<SubjectAttribute> Attributes { get; }

    public KeyUsage KeyUsage { get; }

    /// <summary>Dotted OIDs of ExtendedKeyUsage; empty: no such extension.</summary>
    public IReadOnlyList<string> Purposes { get; }

    public ProfileKind Kind => Options.Kind;

    public PairHalf Half => Options.Half;

    public bool IsAuthority => Kind != ProfileKind.EndEntity;

    /// <param name="json">UTF-8; comments and trailing commas are taken.</param>
    /// <exception cref="ProfileException">No JSON, a field that does not exist, or a profile that could make no proper certificate.</exception>
    public static Profile Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxLength)
        {
            throw new ProfileException($"A profile has at most {MaxLength} bytes.");
        }

        try
        {
            return new Profile(JsonSerializer.Deserialize<ProfileOptions>(json, Json) ?? throw new ProfileException("A profile is a JSON object."));
        }
        catch (Exception e) when (e is JsonException or ArgumentException or FormatException)
        {
            throw new ProfileException($"The profile cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The size that a key of the profile may have.</summary>
    /// <returns>False: a key of another algorithm or size.</returns>
    public bool Takes(SubjectPublicKeyInfo key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Options.Keys.Any(each => each.Algorithm switch
        {
            KeyAlgorithm.Sm2 => key.Algorithm == AlgorithmIdentifier.Sm2Key,
            KeyAlgorithm.P256 => key.Algorithm == AlgorithmIdentifier.EcKey(Oids.P256),
            _ => key.Algorithm == AlgorithmIdentifier.Rsa && IsRsaOf(key, each.MinimumBits ?? 2048, each.MaximumBits ?? 4096),
        });
    }

    public override string ToString() => $"{Name} {Convert.ToHexStringLower(Hash.Span[..8])}";

    private static bool IsRsaOf(SubjectPublicKeyInfo key, int minimum, int maximum)
    {
        try
        {
            ReadOnlySpan<byte> modulus = Der.Decode<RsaPublicKey>(key.PublicKey).Modulus.Span;
            int bits = (8 * modulus.Length) - System.Numerics.BitOperations.LeadingZeroCount((uint)modulus[0]) + 24;
            return bits >= minimum && bits <= maximum;
        }
        catch (DerException)
        {
            // A key that cannot be read is none of the profile's; KeyQuality says what is wrong with it.
            return false;
        }
    }

    private static string PurposeOid(string purpose) =>
        PurposeNames.GetValueOrDefault(purpose)
        ?? AttributeNames.Find(purpose)
        ?? throw new ProfileException($"\"{purpose}\" is no key purpose.");
}

/// <summary>An attribute of the subject, compiled.</summary>
/// <param name="Type">Dotted OID.</param>
/// <param name="Pattern">Matches whole texts, in linear time.</param>
public sealed record SubjectAttribute(string Type, AttributeOptions Options, Regex? Pattern)
{
    public string ShortName { get; } = AttributeNames.ShortName(Type);

    /// <summary>Content octets of the OID.</summary>
    internal byte[] Content { get; } = KnownOid.Content(Type);

    internal static SubjectAttribute Parse(AttributeOptions options)
    {
        string type = AttributeNames.Find(options.Type) ?? throw new ProfileException($"\"{options.Type}\" is no attribute type.");
        return new SubjectAttribute(type, options, options.Pattern is { } text ? Compile(text) : null);
    }

    private static Regex Compile(string text)
    {
        const RegexOptions Linear = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;
        try
        {
            // By itself first: "a)|(b" would be an expression only between our parentheses, and another one.
            _ = new Regex(text, Linear);
            return new Regex($@"\A(?:{text})\z", Linear);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ProfileException($"\"{text}\" is no expression that can be matched in linear time: {e.Message}", e);
        }
    }
}

/// <summary>What was configured is no profile; the message is for whoever wrote it.</summary>
public sealed class ProfileException(string message, Exception? inner = null) : Exception(message, inner);
