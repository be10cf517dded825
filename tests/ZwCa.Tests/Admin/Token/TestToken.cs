using System.CommandLine;
using System.Security.Cryptography;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Admin.Token;

/// <summary>An officer's desk: a folder with a token in it, the verbs, and somebody who issues certificates.</summary>
internal sealed class TestToken : IDisposable
{
    public const string Pin = "officer-pin-1";

    public static readonly OfficerIdentity Clerk = new(new byte[16], OfficerKind.Operator, RoleCatalogue.BusinessOperator, "350100");

    /// <summary>Files of a token by name. Made once: stretching its PIN takes a second.</summary>
    private static readonly Lazy<IReadOnlyDictionary<string, string>> Stock = new(() =>
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        using (UnlockedToken unlocked = desk.Token.Unlock(Pin))
        {
            unlocked.CreateContainer("新", TokenKeyKind.Sm2);
            unlocked.CreateContainer("链路", TokenKeyKind.P256);
        }

        return desk.Snapshot();
    });

    private readonly TemporaryFolder _folder = new();

    public TestToken(bool demo = false, bool make = true)
    {
        if (make)
        {
            Token = SoftwareToken.Create(Folder, "张三", Pin, demo, Clock);
        }
    }

    /// <returns>A copy of one with the containers 签名 (an officer's), 新 (no certificate) and 链路 (P-256).</returns>
    public static TestToken Stocked()
    {
        var desk = new TestToken(make: false);
        foreach ((string name, string content) in Stock.Value)
        {
            string path = Path.Combine(desk.Folder, name);
            TokenFiles.MakeFolder(Path.GetDirectoryName(path)!);
            TokenFiles.WriteNew(path, Convert.FromHexString(content));
        }

        return desk;
    }

    public ManualClock Clock { get; } = new(new DateTimeOffset(2026, 3, 2, 9, 0, 0, TimeSpan.Zero));

    /// <summary>The token's; there when it was made.</summary>
    public string Folder => _folder.File("token");

    public SoftwareToken Token { get; } = null!;

    /// <summary>What the verbs see; at first the right PIN.</summary>
    public Dictionary<string, string> Environment { get; } = new() { [TokenDesk.PinVariable] = Pin };

    /// <summary>What is typed at the terminal: PINs, and answers.</summary>
    public Queue<string> Typed { get; } = new();

    public Sm2PrivateKey Issuer { get; } = Sm2PrivateKey.Generate();

    public SubjectPublicKeyInfo IssuerKey => SubjectPublicKeyInfo.ForSm2(Issuer.PublicKey.ToBytes());

    public static Application NewApplication(string id = "E1", string action = "harmless.do", byte[]? parameters = null) => new(
        DecisionKind.Command, "政务CA 签发一", "福建RA", "350100", id, Der.Encode(new CommandBody(action, parameters ?? [0x05, 0x00])));

    /// <summary>Another path in the folder that is deleted at the end.</summary>
    public string File(string name) => _folder.File(name);

    /// <returns>The path.</returns>
    public string Write(string name, byte[] content)
    {
        System.IO.File.WriteAllBytes(File(name), content);
        return File(name);
    }

    public string WriteCertificate(string name, Certificate certificate) =>
        Write(name, System.Text.Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(certificate))));

    public Certificate Certify(SubjectPublicKeyInfo key, OfficerIdentity? identity = null, TimeSpan? validFor = null)
    {
        Extension usage = Extension.Create(KeyUsage.Signing, critical: true);
        DateTimeOffset now = Clock.GetUtcNow();
        byte[] tbs = Der.Encode(new TbsCertificate(
            SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]),
            AlgorithmIdentifier.Sm3WithSm2,
            Name.Create((Oids.CommonName, "签发")),
            new Validity(Time.Truncate(now.AddMinutes(-1)), Time.Truncate(now + (validFor ?? TimeSpan.FromDays(365)))),
            Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "张三")),
            key,
            identity is null ? new Extensions(usage) : new Extensions(usage, Extension.Create(identity, critical: false))));
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        Issuer.Sign(tbs, signature);
        return Certificate.Assemble(tbs, Der.Encode(Sm2Signature.FromRaw(signature)));
    }

    /// <summary>A container with an officer's certificate.</summary>
    public TokenContainer NewOfficerContainer(string name = "签名", TimeSpan? validFor = null)
    {
        using UnlockedToken unlocked = Token.Unlock(Pin);
        return unlocked.ImportCertificate(name, Certify(unlocked.CreateContainer(name, TokenKeyKind.Sm2).PublicKey, Clerk, validFor));
    }

    /// <summary><c>zwca token …</c> with <c>--token</c> of this one.</summary>
    public (int ExitCode, string Output, string Error) Run(string verb, params string[] arguments) => RunRaw([verb, "--token", Folder, .. arguments]);

    public (int ExitCode, string Output, string Error) RunRaw(params string[] arguments)
    {
        var desk = new TokenDesk(
            Environment.GetValueOrDefault, _ => Typed.TryDequeue(out string? pin) ? pin.ToCharArray() : null, _ => Typed.TryDequeue(out string? line) ? line : null, Clock);
        ParseResult parsed = new RootCommand { TokenVerbs.Token(desk) }.Parse(["token", .. arguments]);
        if (parsed.Errors.Count > 0)
        {
            return (2, "", string.Join('\n', parsed.Errors.Select(each => each.Message)));
        }

        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>A verb that has to succeed.</summary>
    /// <returns>Its output.</returns>
    public string Do(string verb, params string[] arguments)
    {
        (int exitCode, string output, string error) = Run(verb, arguments);
        Assert.True(exitCode == 0, error);
        return output;
    }

    /// <returns>All files of the token by name, but the counter of wrong PINs.</returns>
    public IReadOnlyDictionary<string, string> Snapshot() => Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) != "attempts")
        .ToDictionary(path => Path.GetRelativePath(Folder, path), path => Convert.ToHexStringLower(System.IO.File.ReadAllBytes(path)));

    public void Dispose()
    {
        Issuer.Dispose();
        _folder.Dispose();
    }
}
