using System.CommandLine;
using System.Text;
using System.Text.Json;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Doctor;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Admin.Doctor;

/// <summary>One line as a program reads it.</summary>
internal sealed record Told(string Health, string Check, string Subject, string Found);

/// <summary>
/// The sample hierarchy as a ceremony leaves it, published on a web server on loopback, with the management listener of a service beside it: all is well until a test changes
/// something. The hour is one after <see cref="Begin"/>.
/// </summary>
internal sealed class DoctorScene : IAsyncDisposable
{
    public const string Healthy = """{"status":"healthy","checks":[{"name":"hsm","status":"healthy"},{"name":"database","status":"healthy"},{"name":"audit","status":"healthy"},{"name":"jobs","status":"healthy"},{"name":"crls","status":"healthy"}]}""";

    public const string LogOrigin = "zwca/ca";

    /// <summary>Of all CRLs.</summary>
    public static readonly DateTimeOffset Begin = SampleHierarchy.Now.AddDays(10);

    public static readonly DateTimeOffset Now = Begin.AddHours(1);

    private static readonly Lazy<Task<Published>> Made = new(MakeAsync);

    private readonly TemporaryFolder _folder = new();

    private DoctorScene(WebPlace web, Published published)
    {
        Web = web;
        Published = published;
    }

    public WebPlace Web { get; }

    public Published Published { get; }

    public SampleHierarchy Hierarchy => Published.Hierarchy;

    public Inventory Inventory { get; set; } = null!;

    public string RootCrl => CrlPath(Hierarchy.Root, "all");

    public string SubCrl => CrlPath(Hierarchy.Sub, "all");

    public static async Task<DoctorScene> CreateAsync()
    {
        Published published = await Made.Value;
        var scene = new DoctorScene(await WebPlace.StartAsync(Now), published);
        foreach ((string path, byte[] content) in published.Files)
        {
            scene.Put(path, content);
        }

        scene.Web.Answers["/health/live"] = WebPlace.Text("live");
        scene.Web.Answers["/health/ready"] = WebPlace.Text(Healthy);
        scene.Inventory = InventoryOf(published);
        scene.WriteAnchor(await scene.CheckpointAsync(3));
        foreach ((string id, Certificate certificate) in published.Certificates)
        {
            scene.Write($"ca/{id}.pem", CertificateFile.Write(certificate));
        }

        return scene;
    }

    public static string CrlPath(Issuer issuer, string shard) => $"/crl/{Convert.ToHexStringLower(issuer.KeyIdentifier.Span)}/{shard}.crl";

    public static string CertificatePath(Issuer issuer) => $"/ca/{Convert.ToHexStringLower(issuer.KeyIdentifier.Span)}.cer";

    /// <summary>A CRL of the scope that belongs at the place, of another number or time.</summary>
    public static async Task<byte[]> CrlAsync(Issuer issuer, string shard, int number, DateTimeOffset thisUpdate, DateTimeOffset nextUpdate, params CrlEntry[] entries)
    {
        CrlRequest request = shard == "all"
            ? new CrlRequest { Kind = issuer.Name == SampleHierarchy.RootName ? CrlKind.Authorities : CrlKind.Complete, Number = number, ThisUpdate = thisUpdate, NextUpdate = nextUpdate }
            : CrlRequest.OfPartition(issuer, ProfileCatalogue.Shipped["organization-signing"], shard, number, thisUpdate, nextUpdate);
        using var output = new MemoryStream();
        await CrlIssuer.IssueAsync(issuer, request, entries, output);
        return output.ToArray();
    }

    /// <summary>Of the log at a size, signed with its key unless another is given.</summary>
    public async Task<Checkpoint> CheckpointAsync(long size, byte root = 1, long epoch = 0, LogOverride? @override = null, HsmSigner? signer = null, string origin = LogOrigin)
    {
        byte[] hash = new byte[32];
        hash[0] = root;
        byte[] tbs = Der.Encode(new TbsCheckpoint(origin, epoch, size, hash, Begin.AddMinutes(size), Checkpoint.KeyIdOf(Published.Log.SubjectPublicKeyInfo), @override));
        return Checkpoint.Assemble(tbs, Der.Decode<Sm2Signature>(await (signer ?? Published.Log).SignAsync(tbs, TestContext.Current.CancellationToken)));
    }

    /// <returns>The path.</returns>
    public string WriteAnchor(params Checkpoint[] checkpoints) =>
        Write("log.anchor", [.. checkpoints.SelectMany(each => Encoding.ASCII.GetBytes(Convert.ToBase64String(Der.Encode(each)) + "\n")), .. "torn"u8]);

    /// <summary>Puts a file in the place of another.</summary>
    public void Put(string path, byte[] content) =>
        Web.Answers[path] = WebPlace.File(content, Begin, type: path.EndsWith(".cer", StringComparison.Ordinal) ? "application/pkix-cert" : "application/pkix-crl");

    /// <returns>The path.</returns>
    public string Write(string name, byte[] content)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string PathOf(string name) => _folder.File(name);

    /// <summary>With <c>--trust</c>, <c>--url</c>, <c>--management</c> and <c>--log</c> of this scene.</summary>
    public async Task<(int Code, IReadOnlyList<Told> Lines)> ExamineAsync(params string[] more)
    {
        (int code, string text, string error) = await RunAsync(["--json", "--management", Web.Url, "--url", Web.Url, "--log", PathOf("log.anchor"), .. more]);
        Assert.Empty(error);
        JsonElement report = JsonDocument.Parse(text).RootElement;
        return (code, [.. report.GetProperty("lines").EnumerateArray().Select(line => new Told(
            line.GetProperty("health").GetString()!, line.GetProperty("check").GetString()!, line.GetProperty("subject").GetString()!, line.GetProperty("found").GetString()!))]);
    }

    public async Task<(int Code, string Text, string Error)> RunAsync(params string[] arguments)
    {
        Write(Inventory.FileName, Inventory.Write());
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await DoctorVerb.Doctor(new SetTime(Now)).Parse(["--trust", _folder.Path, .. arguments])
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = error }, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await Web.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<Published> MakeAsync()
    {
        SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        var files = new Dictionary<string, byte[]>();
        foreach (Issuer issuer in (Issuer[])[hierarchy.Root, hierarchy.Sub, hierarchy.System])
        {
            files[CertificatePath(issuer)] = Der.Encode(issuer.Certificate!);
            DateTimeOffset next = Begin.AddDays(issuer == hierarchy.Root ? 183 : 1);
            files[CrlPath(issuer, "all")] = await CrlAsync(issuer, "all", 5, Begin, next);
        }

        foreach (string shard in CrlDistribution.ShardsOf(ProfileCatalogue.Shipped["organization-signing"]))
        {
            files[CrlPath(hierarchy.Sub, shard)] = await CrlAsync(hierarchy.Sub, shard, 5, Begin, Begin.AddDays(1));
        }

        return new Published(hierarchy, files, hierarchy.Signer("ca-log", KeyAlgorithm.Sm2));
    }

    private static Inventory InventoryOf(Published published) => new()
    {
        BaseUrl = SampleHierarchy.Publication.BaseUrl,
        PolicyArc = SampleHierarchy.Publication.PolicyArc,
        Demo = false,
        Devices = [],
        Keys = [new InventoryKey("ca-log", "00", "ca-log", HsmKeyKind.Sm2, Convert.ToBase64String(Der.Encode(published.Log.SubjectPublicKeyInfo)), 0)],
        Certificates = [.. published.Certificates.Select(each => new InventoryCertificate(
            each.Id, $"ca/{each.Id}.pem", null, each.Id == "sub" ? "root" : each.Id, $"{(each.Id switch { "root" => "root", "sub" => "sub-ca", _ => "system-root" })} 00",
            Convert.ToHexStringLower(Sm3.HashData(Der.Encode(each.Certificate)))))],
        Crls = [new InventoryCrl("arl-root", "crl/root.crl", "root", CrlKind.Authorities, "5", "00"), new InventoryCrl("crl-sub", "crl/sub.crl", "sub", CrlKind.Complete, "3", "00")],
    };
}

/// <param name="Files">By path.</param>
/// <param name="Log">With the key of the log.</param>
internal sealed record Published(SampleHierarchy Hierarchy, IReadOnlyDictionary<string, byte[]> Files, HsmSigner Log)
{
    public IEnumerable<(string Id, Certificate Certificate)> Certificates =>
        [("root", Hierarchy.Root.Certificate!), ("sub", Hierarchy.Sub.Certificate!), ("system", Hierarchy.System.Certificate!)];
}
