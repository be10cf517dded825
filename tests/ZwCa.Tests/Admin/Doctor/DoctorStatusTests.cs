using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Ocsp;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Admin.Doctor;

/// <summary>What the doctor says of certificates, and what it remembers.</summary>
[Collection(nameof(DoctorScene))]
public sealed class DoctorStatusTests
{
    private static readonly DateTimeOffset Begin = DoctorScene.Begin;

    private static readonly Dictionary<string, Func<DoctorScene, string, Task<byte[]>>> BadCrls = new()
    {
        ["expired"] = (scene, shard) => DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 6, Begin.AddDays(-2), Begin),
        ["it went back"] = (scene, shard) => DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 4, Begin, Begin.AddDays(1)),
        ["it is for another place"] = (scene, shard) => DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard == "32-1" ? "32-2" : "32-1", 6, Begin, Begin.AddDays(1)),
        ["ahead"] = (scene, shard) => DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 6, Begin.AddHours(2), Begin.AddDays(1)),
    };

    public static TheoryData<string> BadCrlNames => [.. BadCrls.Keys];

    /// <summary>A signature that holds is not enough.</summary>
    [Theory]
    [MemberData(nameof(BadCrlNames))]
    public async Task ABadCrl_VouchesForNothing(string name)
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        (string file, string shard) = await IssueAsync(scene, ProfileCatalogue.Shipped["organization-signing"]);
        string state = scene.PathOf("state.json");
        await scene.ExamineAsync("--state", state);
        scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, shard), await BadCrls[name](scene, shard));

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file, "--state", state);

        Assert.Equal(2, code);
        Assert.Contains(lines, line => line is { Health: "bad", Check: "crl" } && line.Found.Contains(name, StringComparison.Ordinal));
        Told told = Assert.Single(lines, line => line.Check == "certificate");
        Assert.Equal("bad", told.Health);
        Assert.Contains("of unknown status", told.Found, StringComparison.Ordinal);
    }

    /// <summary>Of two mirrors one lags behind; and the profile is none of the shipped ones.</summary>
    [Fact]
    public async Task RevokedAtOnePlace_IsRevoked_WhateverAnotherSays()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        string json = ProfileCatalogue.Shipped["organization-signing"].CanonicalJson;
        json = json.Replace("\"organization-signing\"", "\"mirrored\"", StringComparison.Ordinal)
            .Replace("\"{base}/crl/{ski}/{shard}.crl\"", "\"{base}/crl/{ski}/m{shard}.crl\",\"{base}/mirror/{ski}/m{shard}.crl\"", StringComparison.Ordinal);
        string folder = Path.GetDirectoryName(scene.Write("profiles/mirrored.json", System.Text.Encoding.UTF8.GetBytes(json)))!;
        Profile profile = ProfileCatalogue.Load(folder)["mirrored"];
        (string file, string own) = await IssueAsync(scene, profile);
        SerialNumber serial = CertificateFile.Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), file).Tbs.SerialNumber;
        foreach (string shard in CrlDistribution.ShardsOf(profile))
        {
            CrlEntry[] entries = shard == own ? [new CrlEntry(serial, new Time(Begin), RevocationReason.KeyCompromise)] : [];
            scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, $"m{shard}"), await CrlAsync(scene.Hierarchy.Sub, profile, shard, 7, entries));
            scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, $"m{shard}").Replace("/crl/", "/mirror/", StringComparison.Ordinal), await CrlAsync(scene.Hierarchy.Sub, profile, shard, 6));
        }

        scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Root, "mall"), scene.Published.Files[scene.RootCrl]);
        (_, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file, "--profiles", folder);

        Assert.Contains("revoked on 2026-01-12 03:04:05 UTC, reason keyCompromise", Assert.Single(lines, line => line.Check == "certificate").Found, StringComparison.Ordinal);
        Assert.Contains("and of mirrored", Assert.Single(lines, line => line.Check == "profiles").Found, StringComparison.Ordinal);
        Assert.Equal(32, lines.Count(line => line is { Check: "crl", Health: "ok" } && line.Subject.Contains("/mirror/", StringComparison.Ordinal) && line.Subject.Contains("/m32-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task TwoCrlsOfOneNumber_AreNoticed()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        string state = scene.PathOf("state.json");
        (int first, _) = await scene.ExamineAsync("--state", state);
        (int same, _) = await scene.ExamineAsync("--state", state);
        scene.Put(scene.SubCrl, await DoctorScene.CrlAsync(scene.Hierarchy.Sub, "all", 5, Begin, Begin.AddDays(1)));

        (int other, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--state", state);
        scene.Put(scene.SubCrl, await DoctorScene.CrlAsync(scene.Hierarchy.Sub, "all", 6, Begin.AddMinutes(-5), Begin.AddDays(1)));
        (_, IReadOnlyList<Told> back) = await scene.ExamineAsync("--state", state);

        Assert.Equal((0, 0, 2), (first, same, other));
        Assert.Contains("another CRL with number 5 was there before", Assert.Single(lines, line => line.Health == "bad").Found, StringComparison.Ordinal);
        Assert.Contains("its thisUpdate went back", Assert.Single(back, line => line.Health == "bad").Found, StringComparison.Ordinal);
    }

    /// <summary>What an earlier run saw of the log, and then its anchor; an expected part of the line.</summary>
    internal sealed record LogStory(Func<DoctorScene, Task<Checkpoint>> Before, Func<DoctorScene, Task<Checkpoint>> After, int Code, string Found);

    private static readonly Dictionary<string, LogStory> Logs = new()
    {
        ["grew"] = new(scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(4, root: 2), 0, "4 events of zwca/ca"),
        ["stood"] = new(scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(3), 0, "3 events"),
        ["went back"] = new(scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(2), 2, "The log has 2 events, and had 3 before: it went back"),
        ["another of the same size"] = new(scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(3, root: 2), 2, "Two checkpoints of 3 events have different roots"),
        ["decided by officers"] = new(
            scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(4, 2, 1, new LogOverride(new byte[32], 5, new byte[32])), 1, "officers let it go on from an older state"),
        ["an epoch that nobody decided"] = new(scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(4, 2, 1), 2, "carries no decision"),
        ["an epoch that gives up less"] = new(
            scene => scene.CheckpointAsync(3), scene => scene.CheckpointAsync(4, 2, 1, new LogOverride(new byte[32], 2, new byte[32])), 2, "that it does not speak of"),
    };

    public static TheoryData<string> LogNames => [.. Logs.Keys];

    [Theory]
    [MemberData(nameof(LogNames))]
    public async Task TheLog_IsComparedWithWhatAnEarlierRunSaw(string name)
    {
        LogStory story = Logs[name];
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        string state = scene.PathOf("state.json");
        scene.WriteAnchor(await story.Before(scene));
        (int first, _) = await scene.ExamineAsync("--state", state);
        scene.WriteAnchor(await story.After(scene));

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--state", state);

        Assert.Equal((0, story.Code), (first, code));
        Assert.Contains(story.Found, Assert.Single(lines, line => line.Check == "log").Found, StringComparison.Ordinal);
    }

    /// <summary>An answer of a responder, and what the doctor says of it.</summary>
    internal sealed record OcspStory(string Health, string Found, Func<DoctorScene, CertId, Task<OcspResponse>> Answer);

    private static readonly Dictionary<string, OcspStory> Responders = new()
    {
        ["the CA"] = new("ok", "good; the signature holds", (scene, id) => RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id)),
        ["delegated"] = new("ok", "good; the signature holds", async (scene, id) => await RespondAsync(await DelegatedAsync(scene), id)),
        ["another CA"] = new("bad", "no certificate of the responder that it names", async (scene, id) =>
            await RespondAsync(OcspResponder.Of(scene.Hierarchy.Root), CertIds.Of(scene.Hierarchy.Root.Certificate!, id.SerialNumber, CertIdHash.Sha1))),
        ["changed"] = new("bad", "the signature of the answer does not hold", async (scene, id) =>
        {
            BasicOcspResponse basic = (await RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id)).DecodeBasic();
            byte[] signature = basic.Signature.ToArray();
            signature[^1] ^= 1;
            return OcspResponse.Successful(BasicOcspResponse.Assemble(basic.TbsBytes, basic.SignatureAlgorithm, signature));
        }),
        ["a subscriber"] = new("bad", "a certificate that is not for OCSP", async (scene, id) =>
        {
            HsmSigner signer = scene.Hierarchy.Signer("organization-signing", KeyAlgorithm.Sm2);
            Certificate certificate = await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Prepare(scene.Hierarchy.Request("organization-signing")), TestContext.Current.CancellationToken);
            BasicOcspResponse basic = (await RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id)).DecodeBasic();
            byte[] tbs = Der.Encode(new ResponseData(new ResponderByName(certificate.Tbs.Subject), basic.Tbs.ProducedAt, basic.Tbs.Responses));
            return OcspResponse.Successful(BasicOcspResponse.Assemble(tbs, signer.AlgorithmIdentifier, await signer.SignAsync(tbs, TestContext.Current.CancellationToken), [certificate]));
        }),
        ["of another certificate"] = new("bad", "does not speak of the certificate", (scene, id) => RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id with { SerialNumber = SerialNumber.Parse("40aa") })),
        ["expired"] = new("bad", "the answer expired on 2026-01-12 03:34:05 UTC", (scene, id) => RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id, next: Begin.AddMinutes(30))),
        ["of tomorrow"] = new("bad", "which lies ahead", (scene, id) => RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id, Begin.AddDays(1), Begin.AddDays(2))),
        ["unknown"] = new("warning", "does not know serial number", (scene, id) => RespondAsync(OcspResponder.Of(scene.Hierarchy.Sub), id, status: new Unknown())),
        ["away"] = new("warning", "answers TryLater", (_, _) => Task.FromResult(OcspResponse.Error(ResponseStatus.TryLater))),
    };

    public static TheoryData<string> ResponderNames => [.. Responders.Keys];

    [Theory]
    [MemberData(nameof(ResponderNames))]
    public async Task AnOcspAnswer_IsVerified(string name)
    {
        OcspStory story = Responders[name];
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        (string file, _) = await IssueAsync(scene, ProfileCatalogue.Shipped["organization-signing"]);
        await AnswerAsync(scene, file, story.Answer);

        (_, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file);

        Told told = Assert.Single(lines, line => line.Check == "ocsp");
        Assert.Equal(story.Health, told.Health);
        Assert.Contains(story.Found, told.Found, StringComparison.Ordinal);
        Assert.All(lines.Where(line => line.Check != "ocsp"), line => Assert.Equal("ok", line.Health));

        // zwca ocsp comes to the same.
        (int code, string text) = await AskAsync(scene, file);
        Assert.Equal(story.Health == "ok" ? 0 : name == "unknown" ? 1 : 2, code);
        Assert.Contains(story.Health == "ok" ? "The answer may be relied on." : name == "unknown" ? "UNKNOWN" : story.Found, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARevokedCertificate_IsTold_WithReasonAndTime()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        (string file, _) = await IssueAsync(scene, ProfileCatalogue.Shipped["organization-signing"]);
        await AnswerAsync(scene, file, (place, id) => RespondAsync(OcspResponder.Of(place.Hierarchy.Sub), id, status: OcspStatement.RevokedAt(new Time(Begin.AddDays(-1)), RevocationReason.KeyCompromise)));
        (int code, string text) = await AskAsync(scene, file);
        Assert.Equal(1, code);
        Assert.Contains("REVOKED since 2026-01-11 03:04:05 UTC", text, StringComparison.Ordinal);
        Assert.Contains("keyCompromise", text, StringComparison.Ordinal);
        (code, text) = await AskAsync(scene, file, "--nonce");
        Assert.Equal(1, code);
        Assert.Contains("did not come back: the answer was signed ahead of time", text, StringComparison.Ordinal);
        (code, text) = await AskAsync(scene, file, "--url", "ftp://example.gov.cn");
        Assert.Equal("", text);
    }

    private static async Task<(int Code, string Text)> AskAsync(DoctorScene scene, string file, params string[] more)
    {
        string issuer = scene.Write("issuer.pem", CertificateFile.Write(scene.Hierarchy.Sub.Certificate!));
        TbsCertificate tbs = CertificateFile.Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), file).Tbs;
        string[] url = more.Contains("--url") ? [] : ["--url", scene.Web.Url + new Uri(PlaceOf(tbs)).AbsolutePath];
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await OcspVerb.Ocsp(new SetTime(DoctorScene.Now)).Parse([file, "--issuer", issuer, .. url, .. more])
            .InvokeAsync(new System.CommandLine.InvocationConfiguration { Output = output, Error = error }, TestContext.Current.CancellationToken);
        return (code, output.ToString());
    }

    private static string PlaceOf(TbsCertificate tbs) => tbs.Extensions!.Find<AuthorityInfoAccess>()!.Descriptions
        .Where(each => each.AccessMethod == Oids.OcspAccess).Select(each => each.AccessLocation).OfType<UniformResourceIdentifier>().Single().Uri;

    [Fact]
    public async Task GoodByOcsp_AndRevokedByCrl_IsBad()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        (string file, string shard) = await IssueAsync(scene, ProfileCatalogue.Shipped["organization-signing"]);
        SerialNumber serial = CertificateFile.Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), file).Tbs.SerialNumber;
        scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, shard), await DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 6, Begin, Begin.AddDays(1), new CrlEntry(serial, new Time(Begin))));
        await AnswerAsync(scene, file, Responders["the CA"].Answer);

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file);

        Assert.Equal(2, code);
        Assert.Contains("and OCSP says that it is good", Assert.Single(lines, line => line.Health == "bad").Found, StringComparison.Ordinal);
    }

    private static async Task<(string File, string Shard)> IssueAsync(DoctorScene scene, Profile profile)
    {
        IssuanceRequest request = scene.Hierarchy.Request("organization-signing") with { Profile = profile };
        Certificate certificate = await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Sub.Prepare(request), TestContext.Current.CancellationToken);
        return (scene.Write("subscriber.pem", CertificateFile.Write(certificate)), UrlTemplate.ShardName(certificate.Tbs.SerialNumber, profile.Options.CrlShards));
    }

    private static async Task<byte[]> CrlAsync(Issuer issuer, Profile profile, string shard, int number, params CrlEntry[] entries)
    {
        using var output = new MemoryStream();
        await CrlIssuer.IssueAsync(issuer, CrlRequest.OfPartition(issuer, profile, shard, number, Begin, Begin.AddDays(1)), entries, output, TestContext.Current.CancellationToken);
        return output.ToArray();
    }

    private static async Task AnswerAsync(DoctorScene scene, string file, Func<DoctorScene, CertId, Task<OcspResponse>> answer)
    {
        TbsCertificate tbs = CertificateFile.Read(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), file).Tbs;
        string url = PlaceOf(tbs);
        byte[] response = Der.Encode(await answer(scene, CertIds.Of(scene.Hierarchy.Sub.Certificate!, tbs.SerialNumber, CertIdHash.Sha1)));
        scene.Web.Answers[new Uri(url).AbsolutePath] = context => context.Response.Body.WriteAsync(response, context.RequestAborted).AsTask();
    }

    private static async Task<OcspResponder> DelegatedAsync(DoctorScene scene)
    {
        Certificate certificate = await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Prepare(scene.Hierarchy.Request("ocsp-responder")), TestContext.Current.CancellationToken);
        return OcspResponder.Delegated(scene.Hierarchy.Sub.Certificate!, certificate, scene.Hierarchy.Signer("ocsp-responder", KeyAlgorithm.Sm2));
    }

    private static Task<OcspResponse> RespondAsync(OcspResponder responder, CertId id, DateTimeOffset? at = null, DateTimeOffset? next = null, CertStatus? status = null) =>
        responder.RespondAsync(
            new OcspAnswer
            {
                ProducedAt = new Time(at ?? Begin),
                Statements = [new OcspStatement { CertId = id, Status = status ?? new Good(), ThisUpdate = new Time(at ?? Begin), NextUpdate = new Time(next ?? Begin.AddDays(1)) }],
            },
            TestContext.Current.CancellationToken);
}
