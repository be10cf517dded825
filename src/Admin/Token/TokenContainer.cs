using System.Formats.Asn1;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// A container as it is seen without the PIN. Its folder has one folder for each pair: <c>signing</c>, and beside it one day <c>encryption</c>, each with
/// <c>private.key</c> (sealed), <c>public.pem</c> and, once it is issued, <c>certificate.pem</c>.
/// </summary>
internal sealed class TokenContainer
{
    private const string Signing = "signing";
    private const string PrivateKeyFile = "private.key";
    private const string PublicKeyFile = "public.pem";
    private const string CertificateFile = "certificate.pem";

    private readonly string _folder;

    private TokenContainer(string folder, string name, TokenKeyKind kind, SubjectPublicKeyInfo publicKey, Certificate? certificate)
    {
        _folder = folder;
        Name = name;
        Kind = kind;
        PublicKey = publicKey;
        Certificate = certificate;
    }

    public string Name { get; }

    public TokenKeyKind Kind { get; }

    public SubjectPublicKeyInfo PublicKey { get; }

    /// <summary>SM3 of the SubjectPublicKeyInfo, lower-case hexadecimal.</summary>
    public string Fingerprint => FingerprintOf(PublicKey);

    /// <summary>For this public key; null before one was imported.</summary>
    public Certificate? Certificate { get; }

    public static string FingerprintOf(SubjectPublicKeyInfo key) => Convert.ToHexStringLower(Asn1.Custody.StatementSignature.IdOf(key));

    /// <param name="containers">Folder of all containers.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: a file is missing or damaged.</exception>
    public static TokenContainer Load(string containers, string name)
    {
        string folder = Path.Combine(containers, name, Signing);
        SubjectPublicKeyInfo key = Read<SubjectPublicKeyInfo>(folder, PublicKeyFile, Pem.PublicKey)
            ?? throw new RefusalException(Refusal.WrongState, $"容器“{name}”缺少文件 {Path.Combine(folder, PublicKeyFile)}，请从备份恢复。");
        TokenKeyKind kind = TokenKey.KindOf(key) ?? throw Damaged(folder, PublicKeyFile);
        Certificate? certificate = Read<Certificate>(folder, CertificateFile, Pem.Certificate);
        return certificate is null || certificate.Tbs.SubjectPublicKeyInfo == key
            ? new TokenContainer(folder, name, kind, key, certificate)
            : throw new RefusalException(Refusal.WrongState, $"容器“{name}”中的证书与其公钥不符：{Path.Combine(folder, CertificateFile)} 被换过，请从备份恢复。");
    }

    /// <summary>Writes a container beside the others, under a name that nobody lists, and then gives it its own: it is there whole or not at all.</summary>
    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>.</exception>
    public static void Create(string containers, string name, string tokenId, TokenKey key, MasterKey master)
    {
        string unfinished = Path.Combine(containers, $".{Path.GetRandomFileName()}");
        string folder = Path.Combine(unfinished, Signing);
        TokenFiles.MakeFolder(unfinished);
        try
        {
            TokenFiles.MakeFolder(folder);
            TokenFiles.WriteNew(Path.Combine(folder, PrivateKeyFile), master.Seal(key.Pkcs8.Span, Binding(tokenId, name, key.PublicKey)));
            TokenFiles.WriteNew(Path.Combine(folder, PublicKeyFile), Encoding.ASCII.GetBytes(Pem.Encode(Pem.PublicKey, Der.Encode(key.PublicKey))));
            TokenFiles.FlushFolder(folder);
            TokenFiles.Publish(unfinished, Path.Combine(containers, name));
        }
        catch (Exception e)
        {
            Directory.Delete(unfinished, recursive: true);
            if (e is IOException && Directory.Exists(Path.Combine(containers, name)))
            {
                throw new RefusalException(Refusal.Duplicate, $"容器“{name}”已存在，不会被覆盖。请换一个名称。", inner: e);
            }

            throw;
        }
    }

    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    /// <returns>The caller disposes it.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: the file is missing, damaged, or belongs to another container, token or public key.</exception>
    public TokenKey Open(string tokenId, MasterKey master)
    {
        string path = Path.Combine(_folder, PrivateKeyFile);
        byte[] pkcs8 = (File.Exists(path) ? master.TryOpen(TokenFiles.Read(path), Binding(tokenId, Name, PublicKey)) : null)
            ?? throw new RefusalException(Refusal.WrongState, $"容器“{Name}”的私钥文件缺失、已损坏或被换过：{path}。请从备份恢复整个容器文件夹。");
        return new TokenKey(Kind, PublicKey, pkcs8);
    }

    /// <summary>An earlier certificate stays, under its serial number.</summary>
    /// <param name="certificate">For this public key.</param>
    public void Keep(Certificate certificate)
    {
        string path = Path.Combine(_folder, CertificateFile);
        if (Certificate is { } earlier)
        {
            TokenFiles.Replace(Path.Combine(_folder, $"certificate-{earlier.Tbs.SerialNumber}.pem"), File.ReadAllBytes(path));
        }

        TokenFiles.Replace(path, Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(certificate))));
    }

    /// <summary>
    /// <code>SEQUENCE { format UTF8String, token OCTET STRING, container UTF8String, use UTF8String, publicKey SubjectPublicKeyInfo }</code>
    /// Authenticated with the private key: no file of another token, container, use or key passes for it.
    /// </summary>
    private static byte[] Binding(string tokenId, string name, SubjectPublicKeyInfo publicKey)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, TokenDocument.CurrentFormat);
            writer.WriteOctetString(Convert.FromHexString(tokenId));
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, name);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, Signing);
            publicKey.Write(writer);
        }

        return writer.Encode();
    }

    private static T? Read<T>(string folder, string file, string label)
        where T : class, IDer<T>
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return Der.Decode<T>(Pem.Decode(label, Encoding.UTF8.GetString(TokenFiles.Read(path))));
        }
        catch (DerException e)
        {
            throw Damaged(folder, file, e);
        }
    }

    private static RefusalException Damaged(string folder, string file, Exception? inner = null) =>
        new(Refusal.WrongState, $"文件 {Path.Combine(folder, file)} 已损坏，请从备份恢复。", inner: inner);
}
