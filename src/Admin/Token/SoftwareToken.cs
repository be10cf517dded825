using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// A folder that stands for a USB key (docs/TOKEN.md): containers, each a key pair with its certificate, under one PIN. What is public is read without the
/// PIN, and is a claim until <see cref="Unlock"/> has proven it.
/// </summary>
internal sealed class SoftwareToken
{
    private const string DocumentFile = "token.json";
    private const string MasterKeyFile = "master.key";
    private const string ContainersFolder = "containers";

    private readonly TimeProvider _time;

    private SoftwareToken(string folder, TokenDocument document, TimeProvider time)
    {
        Folder = folder;
        Document = document;
        _time = time;
    }

    /// <summary>Full path.</summary>
    public string Folder { get; }

    public string Label => Document.Label;

    /// <summary>The mark that only demo tokens have, for good: their private keys can be exported, and nothing in production takes them.</summary>
    public bool IsDemo => Document.Demo;

    internal TokenDocument Document { get; }

    /// <summary>In order. A container that is damaged is among them.</summary>
    public IReadOnlyList<string> ContainerNames =>
        [.. Directory.EnumerateDirectories(Containers).Select(path => Path.GetFileName(path)).Where(name => name[0] != '.').Order(StringComparer.Ordinal)];

    /// <summary>Some file can be read by other users of the machine.</summary>
    public bool IsOpenToOthers =>
        TokenFiles.IsOpenToOthers(Folder) && Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Any(TokenFiles.IsOpenToOthers);

    internal string Containers => Path.Combine(Folder, ContainersFolder);

    private string MasterKeyPath => Path.Combine(Folder, MasterKeyFile);

    /// <param name="folder">Not there, or empty.</param>
    /// <param name="label">1 to 64 characters, for people.</param>
    /// <param name="pin">See <see cref="Pin"/>. The caller zeroes it.</param>
    /// <param name="demo">Cannot be changed afterwards.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/> (label, PIN), <see cref="Refusal.Duplicate"/> (something is in the folder).</exception>
    public static SoftwareToken Create(string folder, string label, ReadOnlySpan<char> pin, bool demo, TimeProvider time)
    {
        LabelText.RequireLabel(label);
        Pin.Require(pin);
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        RequireUnused(path);

        // Complete before it has its name: a crash leaves no half of a token in the way.
        string unfinished = $"{path}.{Path.GetRandomFileName()}";
        TokenFiles.MakeFolder(unfinished);
        try
        {
            using var key = MasterKey.Generate();
            TokenFiles.MakeFolder(Path.Combine(unfinished, ContainersFolder));
            TokenFiles.WriteNew(Path.Combine(unfinished, MasterKeyFile), key.Wrap(pin));
            TokenFiles.WriteNew(Path.Combine(unfinished, DocumentFile), TokenDocument.Create(label, demo, time.GetUtcNow(), key).ToBytes());
            if (Directory.Exists(path))
            {
                Directory.Delete(path);
            }

            TokenFiles.Publish(unfinished, path);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }

        return Open(path, time);
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/> (no folder, or no token in it), <see cref="Refusal.Malformed"/> (damaged).</exception>
    public static SoftwareToken Open(string folder, TimeProvider time)
    {
        string path = Path.GetFullPath(folder);
        if (!Directory.Exists(path))
        {
            throw new RefusalException(Refusal.NotFound, $"找不到令牌文件夹 {path}。请检查路径，或用 zwca token init 新建令牌。");
        }

        if (!File.Exists(Path.Combine(path, DocumentFile)))
        {
            throw new RefusalException(Refusal.NotFound, $"文件夹 {path} 不是令牌（没有 {DocumentFile}）。请检查路径，或用 zwca token init 新建令牌。");
        }

        var token = new SoftwareToken(path, TokenDocument.Read(Path.Combine(path, DocumentFile)), time);
        return File.Exists(token.MasterKeyPath) && Directory.Exists(token.Containers)
            ? token
            : throw new RefusalException(Refusal.Malformed, $"令牌 {path} 不完整：缺少 {MasterKeyFile} 或 {ContainersFolder}。请从备份恢复。");
    }

    /// <returns>Null: no such container.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it is damaged.</exception>
    public TokenContainer? Find(string name) => ContainerNames.Contains(name) ? TokenContainer.Load(Containers, name) : null;

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.WrongState"/> (damaged).</exception>
    public TokenContainer Container(string name) => Find(name) ?? throw new RefusalException(
        Refusal.NotFound,
        $"令牌中没有容器“{LabelText.Shown(name)}”。{(ContainerNames is { Count: > 0 } names ? $"已有容器：{string.Join("、", names)}。" : "请先用 zwca token csr 新建。")}");

    /// <summary>Keeps a certificate that was issued for a container's signing key, or anew for one of its encryption keys. Needs no PIN: what it certifies is public, and signing compares it with the key.</summary>
    /// <returns>The container with its certificate.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/> (of another key), <see cref="Refusal.NotFound"/>, <see cref="Refusal.WrongState"/>.</exception>
    public TokenContainer ImportCertificate(string name, Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        TokenContainer container = Container(name);
        if (certificate.Tbs.SubjectPublicKeyInfo != container.PublicKey)
        {
            return container.TryRenewEncryption(certificate)
                ? container
                : throw new RefusalException(
                    Refusal.BadPublicKey,
                    $"证书的公钥（指纹 {TokenContainer.FingerprintOf(certificate.Tbs.SubjectPublicKeyInfo)}）不是容器“{name}”的公钥（指纹 {container.Fingerprint}），未导入。请导入由该容器的证书申请签发的证书。");
        }

        container.Keep(certificate);
        return Container(name);
    }

    /// <param name="pin">The caller zeroes it.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/> (wrong PIN), <see cref="Refusal.TooManyRequests"/> (too many wrong ones), <see cref="Refusal.WrongState"/> (token.json was changed).
    /// </exception>
    public UnlockedToken Unlock(ReadOnlySpan<char> pin) => new(this, OpenMasterKey(pin), _time);

    /// <summary>Another PIN. One file is replaced by a rename, so at any time the one or the other opens everything. Copies of the folder keep the old one.</summary>
    /// <exception cref="RefusalException">As for <see cref="Unlock"/>, and <see cref="Refusal.Malformed"/>: the new PIN is none.</exception>
    public void ChangePin(ReadOnlySpan<char> pin, ReadOnlySpan<char> newPin)
    {
        Pin.Require(newPin);
        using MasterKey key = OpenMasterKey(pin);
        TokenFiles.Replace(MasterKeyPath, key.Wrap(newPin));
    }

    private MasterKey OpenMasterKey(ReadOnlySpan<char> pin)
    {
        var attempts = new PinAttempts(Folder, _time);
        int left = attempts.Begin();
        MasterKey key = MasterKey.TryUnwrap(TokenFiles.Read(MasterKeyPath), pin) ?? throw new RefusalException(
            Refusal.NotAllowed,
            $"PIN不正确（若确信无误，则是 {MasterKeyFile} 已损坏，请从备份恢复）。还可再试{left}次，之后须等待{PinAttempts.Delay.TotalMinutes}分钟。（软件令牌的次数限制无法强制：文件可以被复制。）");
        if (!Document.IsAuthentic(key))
        {
            key.Dispose();
            throw new RefusalException(Refusal.WrongState, $"{DocumentFile} 被改动过（名称、演示标记等已不可信），令牌拒绝使用。请从备份恢复该文件。");
        }

        attempts.Clear();
        return key;
    }

    private static void RequireUnused(string path)
    {
        if (File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()))
        {
            throw new RefusalException(Refusal.Duplicate, $"{path} 已存在且不为空，不会被覆盖。请另选一个文件夹。");
        }
    }
}
