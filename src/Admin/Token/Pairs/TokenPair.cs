using System.Formats.Asn1;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// A key pair of a container as it is seen without the PIN: a folder with <c>private.key</c> (sealed), <c>public.pem</c> and, once it is issued,
/// <c>certificate.pem</c>.
/// </summary>
internal sealed class TokenPair
{
    /// <summary>What a pair is for. The private key is sealed together with it.</summary>
    public const string Signing = "signing";
    public const string Encryption = "encryption";

    private const string PrivateKeyFile = "private.key";
    private const string PublicKeyFile = "public.pem";
    private const string CertificateFile = "certificate.pem";

    private readonly string _folder;
    private readonly string _container;
    private readonly string _use;

    private TokenPair(string folder, string container, string use, TokenKeyKind kind, SubjectPublicKeyInfo publicKey, Certificate? certificate)
    {
        _folder = folder;
        _container = container;
        _use = use;
        Kind = kind;
        PublicKey = publicKey;
        Certificate = certificate;
    }

    public TokenKeyKind Kind { get; }

    public SubjectPublicKeyInfo PublicKey { get; }

    /// <summary>For this public key; null before one was imported.</summary>
    public Certificate? Certificate { get; }

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: a file is missing or damaged.</exception>
    public static TokenPair Load(string folder, string container, string use)
    {
        SubjectPublicKeyInfo key = Read<SubjectPublicKeyInfo>(folder, PublicKeyFile, Pem.PublicKey)
            ?? throw new RefusalException(Refusal.WrongState, $"容器“{container}”缺少文件 {Path.Combine(folder, PublicKeyFile)}，请从备份恢复。");
        TokenKeyKind kind = TokenKey.KindOf(key) ?? throw Damaged(folder, PublicKeyFile);
        Certificate? certificate = Read<Certificate>(folder, CertificateFile, Pem.Certificate);
        return certificate is null || certificate.Tbs.SubjectPublicKeyInfo == key
            ? new TokenPair(folder, container, use, kind, key, certificate)
            : throw new RefusalException(Refusal.WrongState, $"容器“{container}”中的证书与其公钥不符：{Path.Combine(folder, CertificateFile)} 被换过，请从备份恢复。");
    }

    /// <summary>Writes the files into a new folder, durably but for the folder's own name.</summary>
    /// <param name="folder">Where nobody looks yet.</param>
    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    public static void Write(string folder, string container, string use, string tokenId, TokenKey key, MasterKey master, Certificate? certificate = null)
    {
        TokenFiles.MakeFolder(folder);
        TokenFiles.WriteNew(Path.Combine(folder, PrivateKeyFile), master.Seal(key.Pkcs8.Span, Binding(tokenId, container, use, key.PublicKey)));
        TokenFiles.WriteNew(Path.Combine(folder, PublicKeyFile), Encoding.ASCII.GetBytes(Pem.Encode(Pem.PublicKey, Der.Encode(key.PublicKey))));
        if (certificate is not null)
        {
            TokenFiles.WriteNew(Path.Combine(folder, CertificateFile), Text(certificate));
        }

        TokenFiles.FlushFolder(folder);
    }

    /// <summary>Writes the same pair into a new folder, with another certificate. The private key stays sealed.</summary>
    /// <param name="folder">Where nobody looks yet.</param>
    /// <param name="certificate">For this public key.</param>
    public void Copy(string folder, Certificate certificate)
    {
        TokenFiles.MakeFolder(folder);
        foreach (string file in (string[])[PrivateKeyFile, PublicKeyFile])
        {
            TokenFiles.WriteNew(Path.Combine(folder, file), TokenFiles.Read(Path.Combine(_folder, file)));
        }

        TokenFiles.WriteNew(Path.Combine(folder, CertificateFile), Text(certificate));
        TokenFiles.FlushFolder(folder);
    }

    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    /// <returns>The caller disposes it.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.WrongState"/>: the file is missing, damaged, or belongs to another container, token, use or public key.
    /// </exception>
    public TokenKey Open(string tokenId, MasterKey master)
    {
        string path = Path.Combine(_folder, PrivateKeyFile);
        byte[] pkcs8 = (File.Exists(path) ? master.TryOpen(TokenFiles.Read(path), Binding(tokenId, _container, _use, PublicKey)) : null)
            ?? throw new RefusalException(Refusal.WrongState, $"容器“{_container}”的私钥文件缺失、已损坏或被换过：{path}。请从备份恢复整个容器文件夹。");
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

        TokenFiles.Replace(path, Text(certificate));
    }

    /// <summary>
    /// <code>SEQUENCE { format UTF8String, token OCTET STRING, container UTF8String, use UTF8String, publicKey SubjectPublicKeyInfo }</code>
    /// Authenticated with the private key: no file of another token, container, use or key passes for it.
    /// </summary>
    private static byte[] Binding(string tokenId, string container, string use, SubjectPublicKeyInfo publicKey)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, TokenDocument.CurrentFormat);
            writer.WriteOctetString(Convert.FromHexString(tokenId));
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, container);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, use);
            publicKey.Write(writer);
        }

        return writer.Encode();
    }

    private static byte[] Text(Certificate certificate) => Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(certificate)));

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
