using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Commands;

/// <summary>What papers name by files and texts.</summary>
/// <param name="folder">In which the papers lie.</param>
internal sealed class PaperFiles(string folder)
{
    private const int KeyIdentifierDigits = 40;
    private const int PartLength = 1 << 16;

    private static readonly string[] TimeFormats = ["yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss'Z'"];

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.TooLarge"/>, <see cref="Refusal.Malformed"/>.</exception>
    public Certificate Certificate(string file) => InputFile.ReadCertificate(new FileInfo(PathOf(file)));

    /// <summary>DER.</summary>
    public SignedStatement Statement(string file)
    {
        try
        {
            return Der.Decode<SignedStatement>(TokenFiles.Read(PathOf(file)));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{file} 不是带签名的声明（DER）。", inner: e);
        }
    }

    /// <summary>Of whatever length.</summary>
    public byte[] Sm3OfFile(string file)
    {
        string path = PathOf(file);
        using FileStream stream = File.Exists(path) ? File.OpenRead(path) : throw new RefusalException(Refusal.NotFound, $"找不到文件 {path}，请检查文件名。");
        using var hash = new Sm3();
        byte[] part = new byte[PartLength];
        for (int read; (read = stream.Read(part)) > 0;)
        {
            hash.Append(part.AsSpan(0, read));
        }

        byte[] result = new byte[Sm3.HashSizeInBytes];
        hash.GetHashAndReset(result);
        return result;
    }

    /// <summary>A CA by its certificate or its SubjectKeyIdentifier.</summary>
    /// <exception cref="RefusalException">As of <see cref="Certificate"/>.</exception>
    public ReadOnlyMemory<byte> KeyIdentifier(string issuer) => FindHex(issuer, KeyIdentifierDigits / 2) ?? FindHex(issuer, Sm3.HashSizeInBytes)
        ?? Certificate(issuer).Tbs.Extensions?.Find<SubjectKeyIdentifier>()?.KeyIdentifier
        ?? throw Wrong($"{issuer} 不是CA证书：其中没有主体密钥标识。");

    /// <summary>SHA-256 of a link certificate: as it is written, or of its file.</summary>
    public ReadOnlyMemory<byte> Thumbprint(string text) => FindHex(text, SHA256.HashSizeInBytes) ?? SHA256.HashData(Der.Encode(Certificate(text)));

    /// <summary>SM3 of a key: as it is written, or of that in a certificate.</summary>
    public ReadOnlyMemory<byte> Key(string text) => FindHex(text, Sm3.HashSizeInBytes) ?? Sm3.HashData(Der.Encode(Certificate(text).Tbs.SubjectPublicKeyInfo));

    public ReadOnlyMemory<byte> SubjectHash(string file) => Certificate(file).Tbs.Subject.HashCanonical();

    public static SerialNumber Serial(string hex) => SerialNumber.TryParse(hex, out SerialNumber? serial) ? serial : throw Wrong($"序列号“{hex}”应为十六进制数。");

    /// <summary>With its offset: what a time without one means, the machine would say.</summary>
    public static Time Time(string text) => DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
        ? new Time(time)
        : throw Wrong($"时间“{text}”应写作 2026-03-01T08:00:00+08:00 或 2026-03-01T00:00:00Z。");

    /// <summary>A version of a profile: as it is written, or the one that this program has.</summary>
    public static ProfileReference Profile(string name, string? hash) => new(
        name,
        hash is null
            ? ProfileCatalogue.Shipped.Find(name)?.Hash ?? throw Wrong($"本程序没有证书模板“{name}”，请写明其 hash。")
            : FindHex(hash, Sm3.HashSizeInBytes) ?? throw Wrong("hash 应为64位小写十六进制数。"));

    public CertificateReference Reference(string issuer, string serial) => new(KeyIdentifier(issuer), Serial(serial));

    /// <summary>Of a certificate that is at hand, or by issuer and serial number.</summary>
    public CertificateReference Reference(StatusPaper paper) => (paper.Certificate, paper.Issuer, paper.Serial) switch
    {
        ({ } file, null, null) => ReferenceOf(Certificate(file), file),
        (null, { } issuer, { } serial) => Reference(issuer, serial),
        _ => throw Wrong("证书应以 certificate（文件）写明，或以 issuer 和 serial 写明。"),
    };

    /// <summary>A certificate that shall be issued: what stands in it, and the request that proves its key.</summary>
    public CertificateOrder Order(CertificatePaper paper)
    {
        CertificationRequest request = InputFile.ReadRequest(new FileInfo(PathOf(paper.Request)));
        ProfileReference profile = Profile(paper.Profile, paper.Hash);
        return new CertificateOrder(
            new CertificateBody
            {
                Profile = profile.Name,
                ProfileHash = profile.Hash,
                Issuer = KeyIdentifier(paper.Issuer),
                Entity = paper.Entity,
                Subject = [.. Token.SubjectText.Parse(paper.Subject).Rdns.SelectMany(rdn => rdn.Attributes).Select(each => new SubjectAttributeText(each.Type, each.Text!))],
                SubjectPublicKeyInfo = request.Info.SubjectPublicKeyInfo,
                Days = paper.Days,
                Names = [.. (paper.Names ?? []).Select(each => SubjectTexts.FindName(each) ?? throw Wrong($"备用名称“{each}”应写作 dns:主机名 或 ip:地址。"))],
                Evidence = Sm3.HashData([.. (paper.Evidence ?? []).SelectMany(Sm3OfFile)]),
                Officer = paper.Officer is null ? null : Identity(paper.Officer),
            },
            request);
    }

    private static RefusalException Wrong(string detail) => new(Refusal.Malformed, detail);

    private static OfficerIdentity Identity(OfficePaper office) => new(
        FindHex(office.Person, Data.Ulid.Length) ?? throw Wrong("person 应为32位小写十六进制数，见 zwca command person。"),
        (RoleCatalogue.Standard.Find(office.Role) ?? throw Wrong($"没有角色“{office.Role}”。")).Kind,
        office.Role,
        office.Region);

    private static CertificateReference ReferenceOf(Certificate certificate, string file) => new(
        certificate.Tbs.Extensions?.Find<AuthorityKeyIdentifier>()?.KeyIdentifier ?? throw Wrong($"{file} 中没有签发者密钥标识。"), certificate.Tbs.SerialNumber);

    private static byte[]? FindHex(string text, int length) => text.Length == 2 * length && text.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(text) : null;

    private string PathOf(string file) => Path.Combine(folder, file);
}
