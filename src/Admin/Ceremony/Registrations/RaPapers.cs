using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// An RA comes after the ceremony: officers register it. What they and its operator say of it, in a JSON file; beside it the requests that go to the officers, and the certificates that come back.
/// <code>
/// {"name":"ra-35","region":"350000","database":"postgreSql","tracking":"127.0.0.1:8080",
///  "device":{"id":"ra-35","endpoint":"10.0.3.1:9600","partition":"ra","serial":"…","client":"clients/ra"},
///  "profiles":{"person":{"Title":"个人双证书","Subscriber":"Person","Certificate":"person-signing","Encryption":"person-encryption","Issuer":"issuing-s1","Days":730}}}
/// </code>
/// </summary>
internal sealed record RaPapers
{
    /// <summary>Beside the file, each.</summary>
    public const string MessageRequestFile = "message.csr";
    public const string MessageFile = "message.pem";
    public const string LinkRequestFile = "link.csr";
    public const string LinkFile = "link.pem";

    /// <summary>Encrypted with the password of link keys.</summary>
    public const string LinkKeyFile = "link.key";

    private const int MaxLength = 1 << 20;
    private const int MaxNameLength = 48;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>As the CA has it registered: of its link, of its keys' labels, of its service.</summary>
    public required string Name { get; init; }

    /// <summary>GB/T 2260: the province.</summary>
    public required string Region { get; init; }

    /// <summary>With its keys; its client folder is relative to the file. Null: one of the ceremony's.</summary>
    public DevicePlan? Device { get; init; }

    public DatabaseKind Database { get; init; } = DatabaseKind.Sqlite;

    /// <summary>ADDRESS:PORT where applicants look up their numbers. Null: nowhere.</summary>
    public string? Tracking { get; init; }

    /// <summary>What can be applied for, as section Ra:Profiles has it; <c>Issuer</c> may be the id of a CA of the ceremony.</summary>
    public required IReadOnlyDictionary<string, JsonObject> Profiles { get; init; }

    /// <summary>Where all of it lies.</summary>
    [JsonIgnore]
    public string Folder { get; private init; } = "";

    public string MessageKey => $"{Name}-message";

    public string LogKey => $"{Name}-log";

    public string PersonIndexKey => $"{Name}-person-index";

    public string DataKek => $"{Name}-data-kek";

    /// <exception cref="CeremonyException">It cannot be read, or says too little.</exception>
    public static RaPapers Read(string file)
    {
        string path = Path.GetFullPath(file);
        RaPapers papers;
        try
        {
            papers = JsonSerializer.Deserialize<RaPapers>(PlanFile.Input(path, MaxLength), Json) ?? throw new JsonException("it is empty.");
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"{path} cannot be read: {e.Message} docs/RA.md has every field.", e);
        }

        string folder = Path.GetDirectoryName(path)!;
        bool isNamed = papers.Name.Length is > 0 and <= MaxNameLength && papers.Name.All(each => char.IsAsciiLetterLower(each) || char.IsAsciiDigit(each) || each == '-');
        return !isNamed ? throw new CeremonyException($"{path}: name is that of the RA's registration, lower-case letters, digits and hyphens, {MaxNameLength} at most.")
            : papers.Profiles.Count == 0 || papers.Profiles.Values.Contains(null) ? throw new CeremonyException($"{path}: profiles has nothing that could be applied for.")
            : papers with { Folder = folder, Device = papers.Device is null ? null : papers.Device with { Client = Path.Combine(folder, papers.Device.Client) } };
    }

    /// <param name="named">Id of one of the ceremony's, which counts more than these papers; null: none is named.</param>
    /// <exception cref="CeremonyException">There is none.</exception>
    public DevicePlan DeviceOf(Inventory inventory, string? named) =>
        named is not null ? ServiceSource.DeviceOf(inventory, named)
        : Device ?? throw new CeremonyException("Nothing says where the RA's keys are: give device in its papers, or name one of the ceremony's with --device.");

    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <exception cref="CeremonyException">It is not there.</exception>
    public byte[] Content(string file) => PlanFile.Input(PathOf(file), MaxLength);

    /// <summary>A request that was made by <see cref="RaKeys"/>. Null: it was not.</summary>
    /// <exception cref="CeremonyException">It is something else.</exception>
    public CertificationRequest? FindRequest(string file)
    {
        if (!File.Exists(PathOf(file)))
        {
            return null;
        }

        try
        {
            return Der.Decode<CertificationRequest>(Pem.Decode(Pem.CertificateRequest, System.Text.Encoding.UTF8.GetString(Content(file))));
        }
        catch (DerException e)
        {
            throw new CeremonyException($"{PathOf(file)} is no certification request: {e.Message}", e);
        }
    }

    /// <exception cref="CeremonyException">There is none, or it is for another key than the request beside it.</exception>
    public Certificate Certificate(string file, string requestFile)
    {
        if (!File.Exists(PathOf(file)))
        {
            throw new CeremonyException($"{PathOf(file)} is missing: put the certificate there that the officers ordered for {requestFile}, in PEM.");
        }

        Certificate certificate = CertificateFile.Read(Content(file), PathOf(file));
        CertificationRequest request = FindRequest(requestFile) ?? throw new CeremonyException($"{PathOf(requestFile)} is missing: zwca ceremony request makes it.");
        return certificate.Tbs.SubjectPublicKeyInfo == request.Info.SubjectPublicKeyInfo
            ? certificate
            : throw new CeremonyException($"{PathOf(file)} is for another key than {requestFile}: it is another certificate, or the request is a newer one.");
    }

    /// <summary>Puts a file beside the others that was not there.</summary>
    public void WriteNew(string file, ReadOnlySpan<byte> content) => TokenFiles.WriteNew(PathOf(file), content);
}
