using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Admin.Doctor;

/// <summary>An installation with OCSP: its responders, and what they say beside the CRLs.</summary>
[Collection(nameof(DoctorScene))]
public sealed class DoctorOcspTests
{
    private const string Ready = """{"status":"healthy","checks":[{"name":"hsm","status":"healthy"},{"name":"link","status":"healthy"},{"name":"feed","status":"healthy"},{"name":"answers","status":"healthy"}]}""";

    private static readonly DateTimeOffset Begin = DoctorScene.Begin;

    /// <summary>What the responder answers about a serial number that nobody has issued, and what the doctor says of it.</summary>
    internal sealed record Story(string Health, string Found, Func<OcspResponder, OcspRequest, Task<OcspResponse>> Answer);

    private static readonly Dictionary<string, Story> Stories = new()
    {
        ["unknown, signed now"] = new("ok", "signs by itself, as of 2026-01-12 03:04:05 UTC; what nobody has issued is unknown", (responder, request) => SayAsync(responder, request, new Unknown())),
        ["good"] = new("bad", "which nobody has issued", (responder, request) => SayAsync(responder, request, new Good())),
        ["without the nonce"] = new("warning", "the answer has no nonce", (responder, request) => SayAsync(responder, request, new Unknown(), hasNonce: false)),
        ["for later"] = new("warning", "answers TryLater", (_, _) => Task.FromResult(OcspResponse.Error(ResponseStatus.TryLater))),
        ["not its CA"] = new("warning", "answers Unauthorized", (_, _) => Task.FromResult(OcspResponse.Error(ResponseStatus.Unauthorized))),
        ["changed"] = new("bad", "the signature of the answer does not hold", async (responder, request) =>
        {
            BasicOcspResponse basic = (await SayAsync(responder, request, new Unknown())).DecodeBasic();
            byte[] signature = basic.Signature.ToArray();
            signature[^1] ^= 1;
            return OcspResponse.Successful(BasicOcspResponse.Assemble(basic.TbsBytes, basic.SignatureAlgorithm, signature));
        }),
    };

    public static TheoryData<string> StoryNames => [.. Stories.Keys];

    [Theory]
    [MemberData(nameof(StoryNames))]
    public async Task AResponder_IsAskedAboutWhatNobodyHasIssued(string name)
    {
        Story story = Stories[name];
        await using DoctorScene scene = await CreateAsync();
        Respond(scene, story.Answer);

        (_, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--ocsp", scene.Web.Url + "/ocsp");

        Told told = Assert.Single(lines, line => line.Check == "ocsp");
        Assert.Equal((story.Health, $"{scene.Web.Url}/ocsp sub"), (told.Health, told.Subject));
        Assert.Contains(story.Found, told.Found, StringComparison.Ordinal);
        Assert.All(lines.Where(line => line.Check != "ocsp"), line => Assert.Equal("ok", line.Health));
    }

    [Fact]
    public async Task AResponderThatIsNotThere_IsAWarning()
    {
        await using DoctorScene scene = await CreateAsync();
        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--ocsp", scene.Web.Url + "/ocsp");
        Assert.Equal(1, code);
        Assert.Contains("no OCSP responder answers", Assert.Single(lines, line => line.Health == "warning").Found, StringComparison.Ordinal);
    }

    /// <summary>The ceremony made a feed key: somebody has to answer.</summary>
    [Fact]
    public async Task NoResponderNamed_IsAWarning()
    {
        await using DoctorScene scene = await CreateAsync();
        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync();
        Assert.Equal(1, code);
        Assert.Contains("no OCSP responder was looked at", Assert.Single(lines, line => line.Health == "warning").Found, StringComparison.Ordinal);
    }

    /// <summary>Every node that was named is asked about a certificate, and not the address in it, which is the balancer's.</summary>
    [Fact]
    public async Task ACertificate_IsAskedAboutAtEachNode()
    {
        await using DoctorScene scene = await CreateAsync();
        string file = await IssueAsync(scene);
        Respond(scene, (responder, request) => SayAsync(responder, request, request.Tbs.RequestExtensions is null ? new Good() : new Unknown()), "/one", "/two");

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file, "--ocsp", scene.Web.Url + "/one", "--ocsp", scene.Web.Url + "/two");

        Assert.Equal(0, code);
        Assert.Equal(["/one", "/two"], lines.Where(line => line.Found.Contains(": good; the signature holds", StringComparison.Ordinal)).Select(line => new Uri(line.Subject).AbsolutePath));
    }

    /// <summary>Responses are signed anew before half of their time has passed: an old one tells that this stands still (incident 7).</summary>
    [Theory]
    [InlineData(1, "ok", "good until 2026-01-13 03:04:05 UTC")]
    [InlineData(12, "warning", "for 12 h 0 min more, and has no successor yet")]
    [InlineData(20, "bad", "for 4 h 0 min more, and has no successor")]
    public async Task AnOldAnswer_IsToldOf(int hours, string health, string found)
    {
        await using DoctorScene scene = await CreateAsync();
        string file = await IssueAsync(scene);
        DateTimeOffset thisUpdate = DoctorScene.Now.AddHours(-hours);
        Respond(scene, (responder, request) => request.Tbs.RequestExtensions is null ? SayAsync(responder, request, new Good(), at: thisUpdate) : SayAsync(responder, request, new Unknown()));

        (_, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file, "--ocsp", scene.Web.Url + "/ocsp");

        Told told = Assert.Single(lines, line => line.Check == "ocsp" && line.Found.Contains("says of serial number", StringComparison.Ordinal));
        Assert.Equal(health, told.Health);
        Assert.Contains(found, told.Found, StringComparison.Ordinal);
    }

    /// <summary>CRL, by its reason, or none; what OCSP says and as of when, in hours from the CRL; and the line of the certificate. The hour is one after the CRL.</summary>
    [Theory]
    [InlineData(null, 0.5, 0.5, null, "ok", "revoked since 2026-01-12 03:34:05 UTC, says OCSP; the next CRL has it")]
    [InlineData(null, -5.0, 0.5, null, "bad", "and OCSP says that it is revoked since 2026-01-11 22:04:05 UTC, before that")]
    [InlineData(null, -5.0, -1.0, RevocationReason.CertificateHold, "ok", "not revoked, says CRL number 5")]
    [InlineData(null, -5.0, 0.5, RevocationReason.CertificateHold, "bad", "before that")]
    [InlineData(RevocationReason.CertificateHold, null, 0.5, null, "ok", "suspended (certificateHold) since 2026-01-12 03:04:05 UTC")]
    [InlineData(RevocationReason.CertificateHold, null, -1.0, null, "bad", "and OCSP says that it is good")]
    [InlineData(RevocationReason.KeyCompromise, null, 0.5, null, "bad", "and OCSP says that it is good")]
    [InlineData(RevocationReason.KeyCompromise, -1.0, 0.5, null, "ok", "revoked on 2026-01-12 03:04:05 UTC, reason keyCompromise")]
    public async Task CrlAndOcsp_AreCompared(RevocationReason? crl, double? revoked, double asOf, RevocationReason? reason, string health, string found)
    {
        await using DoctorScene scene = await CreateAsync();
        string file = await IssueAsync(scene);
        SerialNumber serial = CertificateFile.Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), file).Tbs.SerialNumber;
        string shard = UrlTemplate.ShardName(serial, ProfileCatalogue.Shipped["organization-signing"].Options.CrlShards);
        if (crl is { } known)
        {
            scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, shard), await DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 5, Begin, Begin.AddDays(1), new CrlEntry(serial, new Time(Begin), known)));
        }

        CertStatus status = revoked is { } hours ? OcspStatement.RevokedAt(new Time(Begin.AddHours(hours)), reason ?? RevocationReason.KeyCompromise) : new Good();
        Respond(scene, (responder, request) => request.Tbs.RequestExtensions is null ? SayAsync(responder, request, status, at: Begin.AddHours(asOf)) : SayAsync(responder, request, new Unknown()));

        (_, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file, "--ocsp", scene.Web.Url + "/ocsp");

        Told told = Assert.Single(lines, line => line.Check == "certificate");
        Assert.Equal(health, told.Health);
        Assert.Contains(found, told.Found, StringComparison.Ordinal);
    }

    /// <summary>What <c>/health/ready</c> answers, and the checks that are missing.</summary>
    [Theory]
    [InlineData(Ready)]
    [InlineData("""{"status":"healthy","checks":[{"name":"feed","status":"healthy"}]}""", "answers", "link")]
    [InlineData(DoctorScene.Healthy, "ocsp")]
    public async Task AServiceThatDoesNotWatchOcsp_IsBad(string ready, params string[] missing)
    {
        await using DoctorScene scene = await CreateAsync();
        scene.Web.Answers["/health/ready"] = WebPlace.Text(ready);
        Respond(scene, (responder, request) => SayAsync(responder, request, new Unknown()));

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--ocsp", scene.Web.Url + "/ocsp");

        Assert.Equal(missing.Length == 0 ? 0 : 2, code);
        Assert.Equal(missing.Select(each => $"{scene.Web.Url} {each}"), lines.Where(line => line.Health != "ok").Select(line => line.Subject));
        Assert.All(lines.Where(line => line.Health != "ok"), line => Assert.Contains($"which a {(ready == DoctorScene.Healthy ? "CA" : "responder")} has", line.Found, StringComparison.Ordinal));
    }

    /// <summary>With a key of the feed, and a CA that watches OCSP.</summary>
    private static async Task<DoctorScene> CreateAsync()
    {
        DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Inventory = scene.Inventory with { Keys = [.. scene.Inventory.Keys, new InventoryKey("ca-feed", "00", "ca-feed", HsmKeyKind.Sm2, scene.Inventory.Keys[0].PublicKey, 0)] };
        scene.Web.Answers["/health/ready"] = WebPlace.Text(DoctorScene.Healthy.Replace("]", """,{"name":"ocsp","status":"healthy"}]""", StringComparison.Ordinal));
        return scene;
    }

    private static async Task<string> IssueAsync(DoctorScene scene)
    {
        Certificate certificate = await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Sub.Prepare(scene.Hierarchy.Request("organization-signing")), TestContext.Current.CancellationToken);
        return scene.Write("subscriber.pem", CertificateFile.Write(certificate));
    }

    private static void Respond(DoctorScene scene, Func<OcspResponder, OcspRequest, Task<OcspResponse>> answer, params string[] paths)
    {
        foreach (string path in paths.Length == 0 ? ["/ocsp"] : paths)
        {
            scene.Web.Answers[path] = async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
                await context.Response.Body.WriteAsync(Der.Encode(await answer(OcspResponder.Of(scene.Hierarchy.Sub), OcspRequest.Decode(body.ToArray(), 1 << 16, 1))), context.RequestAborted);
            };
        }
    }

    private static Task<OcspResponse> SayAsync(OcspResponder responder, OcspRequest request, CertStatus status, bool hasNonce = true, DateTimeOffset? at = null) => responder.RespondAsync(
        new OcspAnswer
        {
            ProducedAt = new Time(at ?? Begin),
            Nonce = hasNonce ? request.Tbs.RequestExtensions?.Find<Nonce>() : null,
            Statements = [new OcspStatement { CertId = request.Tbs.RequestList[0].ReqCert, Status = status, ThisUpdate = new Time(at ?? Begin), NextUpdate = new Time((at ?? Begin).AddDays(1)) }],
        },
        TestContext.Current.CancellationToken);
}
