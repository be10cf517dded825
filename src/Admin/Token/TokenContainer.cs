using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Admin.Token;

/// <summary>
/// A container as it is seen without the PIN. Its folder has one folder for each pair: <c>signing</c>, and for each encryption certificate
/// <c>encryption-SERIAL</c>.
/// </summary>
internal sealed class TokenContainer
{
    private const string EncryptionPrefix = TokenPair.Encryption + "-";

    private readonly string _folder;
    private readonly TokenPair _signing;

    private TokenContainer(string folder, string name, TokenPair signing)
    {
        _folder = folder;
        _signing = signing;
        Name = name;
    }

    public string Name { get; }

    public TokenKeyKind Kind => _signing.Kind;

    /// <summary>Of the signing pair, as are the fingerprint and the certificate.</summary>
    public SubjectPublicKeyInfo PublicKey => _signing.PublicKey;

    /// <summary>SM3 of the SubjectPublicKeyInfo, lower-case hexadecimal.</summary>
    public string Fingerprint => FingerprintOf(PublicKey);

    /// <summary>For this public key; null before one was imported.</summary>
    public Certificate? Certificate => _signing.Certificate;

    public static string FingerprintOf(SubjectPublicKeyInfo key) => Convert.ToHexStringLower(Asn1.Custody.StatementSignature.IdOf(key));

    /// <summary>Whether one of the pairs has that key.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: an encryption pair is damaged.</exception>
    public bool Has(SubjectPublicKeyInfo key) => PublicKey == key || EncryptionPairs().Any(pair => pair.PublicKey == key);

    /// <param name="containers">Folder of all containers.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: a file of the signing pair is missing or damaged.</exception>
    public static TokenContainer Load(string containers, string name)
    {
        string folder = Path.Combine(containers, name);
        return new TokenContainer(folder, name, TokenPair.Load(Path.Combine(folder, TokenPair.Signing), name, TokenPair.Signing));
    }

    /// <summary>Writes a container beside the others, under a name that nobody lists, and then gives it its own: it is there whole or not at all.</summary>
    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>.</exception>
    public static void Create(string containers, string name, string tokenId, TokenKey key, MasterKey master)
    {
        string unfinished = Path.Combine(containers, $".{Path.GetRandomFileName()}");
        TokenFiles.MakeFolder(unfinished);
        try
        {
            TokenPair.Write(Path.Combine(unfinished, TokenPair.Signing), name, TokenPair.Signing, tokenId, key, master);
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

    /// <summary>The encryption pairs, each with its certificate; the one that became valid last is the first. A damaged one does not keep the container from signing.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: a file of one is missing or damaged.</exception>
    public IReadOnlyList<TokenPair> EncryptionPairs() =>
    [
        .. Directory.EnumerateDirectories(_folder, EncryptionPrefix + "*")
            .Select(LoadEncryption)
            .OrderByDescending(pair => pair.Certificate!.Tbs.Validity.NotBefore)
            .ThenBy(pair => pair.Certificate!.Tbs.SerialNumber.ToString(), StringComparer.Ordinal),
    ];

    /// <summary>Keeps an encryption pair beside those that are there. A crash leaves it there whole or not at all.</summary>
    /// <param name="tokenId">16 bytes, hexadecimal.</param>
    /// <param name="key">Of the certificate.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: another certificate has that serial number; <see cref="Refusal.WrongState"/>: the pair that is there is damaged.</exception>
    public void AddEncryption(string tokenId, TokenKey key, MasterKey master, Certificate certificate)
    {
        if (FindEncryption(certificate) is { } there)
        {
            // The same once more: what is there has to be what was just opened.
            there.Open(tokenId, master).Dispose();
            return;
        }

        Publish(certificate, unfinished => TokenPair.Write(unfinished, Name, TokenPair.Encryption, tokenId, key, master, certificate));
    }

    /// <summary>A renewed certificate for an encryption key that is there: the key stays where it is, and is there under the new serial number too.</summary>
    /// <returns>False: no encryption pair has its key.</returns>
    /// <inheritdoc cref="AddEncryption"/>
    public bool TryRenewEncryption(Certificate certificate)
    {
        if (EncryptionPairs().FirstOrDefault(pair => pair.PublicKey == certificate.Tbs.SubjectPublicKeyInfo) is not { } earlier)
        {
            return false;
        }

        if (FindEncryption(certificate) is null)
        {
            Publish(certificate, unfinished => earlier.Copy(unfinished, certificate));
        }

        return true;
    }

    /// <inheritdoc cref="TokenPair.Open"/>
    public TokenKey Open(string tokenId, MasterKey master) => _signing.Open(tokenId, master);

    /// <summary>A certificate of the signing key. An earlier one stays, under its serial number.</summary>
    public void Keep(Certificate certificate)
    {
        if (Certificate?.Tbs.SerialNumber != certificate.Tbs.SerialNumber || !Certificate.TbsBytes.Span.SequenceEqual(certificate.TbsBytes.Span))
        {
            _signing.Keep(certificate);
        }
    }

    private string EncryptionFolder(Certificate certificate) => Path.Combine(_folder, EncryptionPrefix + certificate.Tbs.SerialNumber);

    /// <returns>The pair with this very certificate; null: none.</returns>
    private TokenPair? FindEncryption(Certificate certificate)
    {
        string path = EncryptionFolder(certificate);
        if (!Directory.Exists(path))
        {
            return null;
        }

        TokenPair there = LoadEncryption(path);
        return there.Certificate!.TbsBytes.Span.SequenceEqual(certificate.TbsBytes.Span)
            ? there
            : throw new RefusalException(Refusal.Duplicate, $"容器“{Name}”中已有序列号为 {certificate.Tbs.SerialNumber} 的另一张加密证书，不会被覆盖。请联系签发机构核实。");
    }

    /// <param name="write">Into a folder under a name that nobody lists.</param>
    private void Publish(Certificate certificate, Action<string> write)
    {
        string unfinished = Path.Combine(_folder, $".{Path.GetRandomFileName()}");
        try
        {
            write(unfinished);
            FaultPoint.Reach("token.pair-written");
            TokenFiles.Publish(unfinished, EncryptionFolder(certificate));
            FaultPoint.Reach("token.pair-published");
        }
        catch when (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    private TokenPair LoadEncryption(string folder)
    {
        var pair = TokenPair.Load(folder, Name, TokenPair.Encryption);
        return pair.Kind == TokenKeyKind.Sm2 && pair.Certificate?.Tbs.SerialNumber.ToString() == Path.GetFileName(folder)[EncryptionPrefix.Length..]
            ? pair
            : throw new RefusalException(Refusal.WrongState, $"文件夹 {folder} 不是序列号与其名称相符的SM2加密密钥，或缺少证书，请从备份恢复。");
    }
}
