using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Doctor;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Tests.Admin.Doctor;

[Collection(nameof(DoctorScene))]
public sealed class DoctorTests
{
    private static readonly DateTimeOffset Begin = DoctorScene.Begin;

    /// <summary>Something that is wrong, and every line about it; all other lines are ok.</summary>
    /// <param name="Expected">Health, check, and a part of what was found.</param>
    internal sealed record Fault(Func<DoctorScene, Task> Make, params (string Health, string Check, string Found)[] Expected);

    private static readonly Dictionary<string, Fault> Faults = new()
    {
        ["missing CRL"] = new(Do(scene => scene.Web.Answers.Remove(scene.SubCrl)), ("bad", "crl", "the CRL is not there: the answer has status 404")),
        ["missing partition"] = new(Do(scene => scene.Web.Answers.Remove(Partition(scene, 7))), ("bad", "crl", "the CRL is not there")),
        ["expired CRL"] = new(SubCrl(5, Begin.AddHours(-47), Begin), ("bad", "crl", "it expired on 2026-01-12 03:04:05 UTC, 1 h 0 min ago")),
        ["half of the time passed"] = new(SubCrl(5, Begin.AddHours(-11), Begin.AddHours(13)), ("warning", "crl", "for 12 h 0 min more, and has no successor yet")),
        ["fourth fifth of the time passed"] = new(SubCrl(5, Begin.AddHours(-19), Begin.AddHours(5)), ("bad", "crl", "for 4 h 0 min more, and has no successor")),
        ["CRL of tomorrow"] = new(SubCrl(5, Begin.AddHours(2), Begin.AddHours(26)), ("bad", "crl", "lies 1 h 0 min ahead"), ("warning", "crl", "older than the CRL")),
        ["ARL of 50 days"] = new(RootCrl(50), ("warning", "crl", "for 49 days 23 h more, and has no successor yet")),
        ["ARL of 10 days"] = new(RootCrl(10), ("bad", "crl", "for 9 days 23 h more, and has no successor"), ("bad", "status", "of unknown status: no CRL that it names can be relied on")),
        ["sub CA that was revoked"] = new(
            async scene => scene.Put(scene.RootCrl, await DoctorScene.CrlAsync(
                scene.Hierarchy.Root, "all", 6, Begin, Begin.AddDays(183), new CrlEntry(scene.Hierarchy.Sub.Certificate!.Tbs.SerialNumber, new Time(Begin), RevocationReason.CaCompromise))),
            ("bad", "status", "revoked on 2026-01-12 03:04:05 UTC, reason cACompromise")),
        ["ARL at a CA of subscribers"] = new(
            async scene => scene.Put(scene.SubCrl, await ArlAsync(scene.Hierarchy.Sub)), ("bad", "crl", "it speaks of CA certificates only (an ARL), and this CA issues others")),
        ["CRL for ever"] = new(SubCrl(5, Begin, Time.NoWellDefinedExpiration.Value)),
        ["Date at the end of time"] = new(Do(scene => scene.Web.Now = DateTimeOffset.MaxValue), ("bad", "clock", "ahead of the clock here")),
        ["Age of sixty years"] = new(Aged("2147483647"), ("bad", "clock", "ahead of the clock here")),
        ["Age beyond all time"] = new(Aged("99999999999999999999")),
        ["another CA's CRL"] = new(Copy(scene => DoctorScene.CrlPath(scene.Hierarchy.System, "all"), scene => scene.SubCrl), ("bad", "crl", "it is the CRL of system, not of sub")),
        ["another partition's CRL"] = new(
            Copy(scene => Partition(scene, 8), scene => Partition(scene, 7)), ("bad", "crl", "it is for another place: http://pki.example.gov.cn/crl/")),
        ["complete CRL for a partition"] = new(Copy(scene => scene.SubCrl, scene => Partition(scene, 7)), ("bad", "crl", "it names no distribution point")),
        ["number went back"] = new(SubCrl(2, Begin, Begin.AddDays(1)), ("bad", "crl", "number 2, but 3 was there before: it went back")),
        ["signature"] = new(Do(scene => scene.Put(scene.SubCrl, Flipped(scene.Published.Files[scene.SubCrl]))), ("bad", "crl", "the signature of sub does not hold")),
        ["garbage"] = new(Do(scene => scene.Put(scene.SubCrl, "<html>"u8.ToArray())), ("bad", "crl", "what is there cannot be read as a CRL")),
        ["nothing"] = new(Do(scene => scene.Put(scene.SubCrl, [])), ("bad", "crl", "what is there cannot be read as a CRL")),
        ["redirect"] = new(Answer(context => context.Response.Redirect("/elsewhere")), ("bad", "crl", "it redirects (status 302)")),
        ["300 MB"] = new(Answer(context => context.Response.ContentLength = 300L << 20), ("bad", "crl", "more than 268435456 bytes")),
        ["broken off"] = new(Answer(context => context.Response.ContentLength = 1 << 20), ("bad", "crl", "the answer broke off")),
        ["wrong certificate at AIA"] = new(
            Copy(scene => DoctorScene.CertificatePath(scene.Hierarchy.Root), scene => DoctorScene.CertificatePath(scene.Hierarchy.Sub)),
            ("bad", "aia", "not the certificate of sub, but that of root")),
        ["garbage at AIA"] = new(Do(scene => scene.Put(DoctorScene.CertificatePath(scene.Hierarchy.Sub), [1, 2, 3])), ("bad", "aia", "but something else")),
        ["no certificate at AIA"] = new(Do(scene => scene.Web.Answers.Remove(DoctorScene.CertificatePath(scene.Hierarchy.Sub))), ("bad", "aia", "the CA's certificate is not there")),
        ["cached beyond nextUpdate"] = new(Cached("max-age=172800"), ("bad", "crl", "caches may keep it until 2026-01-14 04:04:05 UTC, which is beyond its nextUpdate")),
        ["cached for ever"] = new(Cached("public, max-age=2147483647, s-maxage=2147483647"), ("bad", "crl", "beyond its nextUpdate")),
        ["cached as long as they like"] = new(Cached(null), ("warning", "crl", "neither Cache-Control nor Expires")),
        ["no tag"] = new(Cached("max-age=60", tag: null), ("warning", "crl", "no ETag")),
        ["modified before it was made"] = new(Cached("max-age=60", modified: Begin.AddDays(-1)), ("warning", "crl", "older than the CRL")),
        ["CRL that says it is text"] = new(Typed(scene => scene.SubCrl, "text/plain; charset=utf-8"), ("warning", "crl", "its Content-Type is text/plain, not application/pkix-crl")),
        ["CRL that does not say what it is"] = new(Typed(scene => scene.SubCrl, null), ("warning", "crl", "its Content-Type is missing, not application/pkix-crl")),
        ["CA certificate that says it is a user's"] = new(
            Typed(scene => DoctorScene.CertificatePath(scene.Hierarchy.Sub), "application/x-x509-user-cert"),
            ("warning", "aia", "its Content-Type is application/x-x509-user-cert, not application/pkix-cert")),
        ["clock ten seconds ahead"] = new(Do(scene => scene.Web.Now += TimeSpan.FromSeconds(10)), ("warning", "clock", "10 s ahead of the clock here")),
        ["clock five minutes behind"] = new(Do(scene => scene.Web.Now -= TimeSpan.FromMinutes(5)), ("bad", "clock", "4 min 59 s behind the clock here")),
        ["amber"] = new(
            Ready("""{"status":"degraded","checks":[{"name":"hsm","status":"healthy"},{"name":"database","status":"healthy"},{"name":"audit","status":"healthy"},{"name":"jobs","status":"healthy"},{"name":"crls","status":"degraded","reason":"CRL of sub: half of its time has passed."}]}"""),
            ("warning", "ready", "degraded: CRL of sub: half of its time has passed")),
        ["red"] = new(
            Ready("""{"status":"unhealthy","checks":[{"name":"database","status":"healthy"},{"name":"audit","status":"healthy"},{"name":"jobs","status":"healthy"},{"name":"crls","status":"healthy"},{"name":"hsm","status":"unhealthy","reason":"NotReachable: gone"},{"name":"link","status":"degraded"}]}""", 503),
            ("bad", "ready", "unhealthy: NotReachable: gone"), ("warning", "ready", "degraded")),
        ["red without a reason"] = new(Ready(DoctorScene.Healthy.Replace("""{"status":"healthy","checks""", """{"status":"unhealthy","checks""", StringComparison.Ordinal)), ("bad", "ready", "no check says why")),
        ["status 503 without a reason"] = new(Ready(DoctorScene.Healthy, 503), ("bad", "ready", "no check says why")),
        ["no checks at all"] = new(Ready("""{"status":"healthy","checks":[]}"""), [.. Enumerable.Repeat(("bad", "ready", "/health/ready has no such check"), 5)]),
        ["no check of the log"] = new(Ready(DoctorScene.Healthy.Replace("audit", "other", StringComparison.Ordinal)), ("bad", "ready", "/health/ready has no such check")),
        ["KMC that does not check its rows"] = new(
            Ready(DoctorScene.Healthy.Replace("crls", "stock", StringComparison.Ordinal)), [.. Enumerable.Repeat(("bad", "ready", "/health/ready has no such check, which a KMC has"), 3)]),
        ["log of another key"] = new(
            async scene => scene.WriteAnchor(await scene.CheckpointAsync(3, signer: scene.Hierarchy.Signer("another", KeyAlgorithm.Sm2))), ("bad", "log", "The signature of the checkpoint at 3 does not verify")),
        ["log that the ceremony does not know"] = new(async scene => scene.WriteAnchor(await scene.CheckpointAsync(3, origin: "zwca/x")), ("bad", "log", "the ceremony has no key x-log")),
        ["log that went back"] = new(async scene => scene.WriteAnchor(await scene.CheckpointAsync(3), await scene.CheckpointAsync(2)), ("bad", "log", "The log has 2 events, and had 3 before")),
        ["log that shows two things"] = new(
            async scene => scene.WriteAnchor(await scene.CheckpointAsync(3), await scene.CheckpointAsync(3, root: 2)), ("bad", "log", "Two checkpoints of 3 events have different roots")),
        ["log without a checkpoint"] = new(Do(scene => scene.WriteAnchor()), ("bad", "log", "it has no checkpoint")),
        ["anchor that is none"] = new(Do(scene => scene.Write("log.anchor", "x\n"u8.ToArray())), ("bad", "log", "could not be looked at: FormatException")),
        ["no anchor"] = new(Do(scene => File.Delete(scene.PathOf("log.anchor"))), ("bad", "log", "could not be looked at: FileNotFoundException")),
        ["readiness that is none"] = new(Ready("""[1]"""), ("bad", "ready", "something that cannot be read")),
        ["garbage for readiness"] = new(Ready("<html>"), ("bad", "ready", "something that cannot be read")),
        ["not alive"] = new(Do(scene => scene.Web.Answers["/health/live"] = WebPlace.Text("no", 500)), ("bad", "live", "/health/live answers with status 500")),
        ["certificate that is not the inventory's"] = new(
            Do(scene => scene.Inventory = scene.Inventory with { Certificates = [.. scene.Inventory.Certificates.Select(each => each.Id == "sub" ? each with { Sm3 = "00" } : each)] }),
            ("bad", "ca", "the file is not the certificate of inventory.json")),
        ["certificate under another issuer"] = new(
            Do(scene => scene.Inventory = scene.Inventory with { Certificates = [.. scene.Inventory.Certificates.Select(each => each.Id == "sub" ? each with { Issuer = "system" } : each)] }),
            ("bad", "ca", "it names another issuer than system")),
        ["issuer that is not there"] = new(
            Do(scene => scene.Inventory = scene.Inventory with { Certificates = [.. scene.Inventory.Certificates.Select(each => each.Id == "sub" ? each with { Issuer = "x" } : each)] }),
            ("bad", "ca", "its issuer x is not among the CA certificates")),
    };

    public static TheoryData<string> FaultNames => [.. Faults.Keys];

    [Fact]
    public async Task WhereAllIsWell_EveryLineIsOk()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync();

        Assert.Equal(0, code);
        Assert.All(lines, line => Assert.Equal("ok", line.Health));
        Assert.Equal(3, lines.Count(line => line.Check == "ca"));
        Assert.Equal(3, lines.Count(line => line.Check == "aia"));
        Assert.Equal(3 + 32, lines.Count(line => line.Check == "crl"));
        Assert.Single(lines, line => line.Check == "status" && line.Found.Contains("not revoked, says CRL number 5", StringComparison.Ordinal));
        Assert.Contains("3 events of zwca/ca", Assert.Single(lines, line => line.Check == "log").Found, StringComparison.Ordinal);
        Assert.Equal(((string[])["hsm", "database", "audit", "jobs", "crls"]).Select(name => $"{scene.Web.Url} {name}"), lines.Where(line => line.Check == "ready").Select(line => line.Subject));
        Assert.Single(lines, line => line.Check == "live");
        Assert.Equal(scene.Web.Url, Assert.Single(lines, line => line.Check == "clock").Subject);
    }

    [Theory]
    [MemberData(nameof(FaultNames))]
    public async Task AFault_HasItsOwnLine_AndEveryOtherIsOk(string name)
    {
        Fault fault = Faults[name];
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        await fault.Make(scene);

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync();

        Told[] wrong = [.. lines.Where(line => line.Health != "ok")];
        Assert.Equal(fault.Expected.Select(each => (each.Health, each.Check)), wrong.Select(line => (line.Health, line.Check)));
        Assert.All(fault.Expected.Zip(wrong), pair => Assert.Contains(pair.First.Found, pair.Second.Found, StringComparison.Ordinal));
        Assert.Equal(fault.Expected.Any(each => each.Health == "bad") ? 2 : fault.Expected.Length > 0 ? 1 : 0, code);
    }

    [Fact]
    public async Task DeadServer_IsAskedOnce_AndEverythingOfItIsBad()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        await scene.Web.StopAsync();

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync();

        Assert.Equal(2, code);
        Told[] bad = [.. lines.Where(line => line.Health == "bad")];
        Assert.Equal(1 + 3 + 3 + 32 + 1, bad.Length);
        Assert.Contains("ConnectionRefused", bad[0].Found, StringComparison.Ordinal);
        Assert.All(bad.Skip(1).SkipLast(1), line => Assert.Contains($"not asked, for {scene.Web.Url} was silent before", line.Found, StringComparison.Ordinal));
        Assert.Equal("status", bad[^1].Check);
        Assert.All(lines.Except(bad), line => Assert.Contains(line.Check, (string[])["ca", "log", "profiles"]));
    }

    [Fact]
    public async Task SlowServer_IsNotWaitedFor()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers[DoctorScene.CertificatePath(scene.Hierarchy.Root)] = context => Task.Delay(Timeout.Infinite, context.RequestAborted);

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--timeout", "1");

        Assert.Equal(2, code);
        Assert.Contains(lines, line => line.Check == "aia" && line.Found.Contains("it was silent for 1 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ANumberThatAnEarlierRunSaw_IsNotForgotten()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        string state = scene.PathOf("state.json");
        await SubCrl(9, Begin, Begin.AddDays(1))(scene);
        (int first, _) = await scene.ExamineAsync("--state", state);
        await SubCrl(8, Begin, Begin.AddDays(1))(scene);

        (int second, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--state", state);
        (int third, _) = await scene.ExamineAsync("--state", state);

        Assert.Equal((0, 2, 2), (first, second, third));
        Assert.Contains("number 8, but 9 was there before", Assert.Single(lines, line => line.Health == "bad").Found, StringComparison.Ordinal);
        JsonElement kept = JsonDocument.Parse(await File.ReadAllTextAsync(state, TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("9", kept.GetProperty("crls").GetProperty("http://pki.example.gov.cn" + scene.SubCrl).GetProperty("number").GetString());
        Assert.Equal(35, kept.GetProperty("crls").EnumerateObject().Count());
    }

    [Theory]
    [InlineData(null, "not revoked, says CRL number 6")]
    [InlineData(RevocationReason.KeyCompromise, "revoked on 2026-01-12 03:04:05 UTC, reason keyCompromise")]
    [InlineData(RevocationReason.CertificateHold, "suspended (certificateHold) since 2026-01-12 03:04:05 UTC")]
    public async Task ACertificatesStatus_IsToldInWords(RevocationReason? reason, string status)
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        Certificate certificate = await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Prepare(scene.Hierarchy.Request("organization-signing")), TestContext.Current.CancellationToken);
        string file = scene.Write("subscriber.pem", CertificateFile.Write(certificate));
        string shard = UrlTemplate.ShardName(certificate.Tbs.SerialNumber, 32);
        CrlEntry[] entries = reason is { } why ? [new CrlEntry(certificate.Tbs.SerialNumber, new Time(Begin), why)] : [];
        scene.Put(DoctorScene.CrlPath(scene.Hierarchy.Sub, shard), await DoctorScene.CrlAsync(scene.Hierarchy.Sub, shard, 6, Begin, Begin.AddDays(1), entries));

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file);

        // There is no OCSP responder on the stage, and relying parties can do without one.
        Assert.Equal(1, code);
        Assert.Equal("ocsp", Assert.Single(lines, line => line.Health != "ok").Check);
        Told told = Assert.Single(lines, line => line.Check == "certificate");
        Assert.Equal(file, told.Subject);
        Assert.Contains($"serial number {certificate.Tbs.SerialNumber} of sub, valid until", told.Found, StringComparison.Ordinal);
        Assert.Contains(status, told.Found, StringComparison.Ordinal);
    }

    /// <summary>The CA's own certificate, which the ARL speaks of.</summary>
    [Fact]
    public async Task ACaCertificatesStatus_IsOnTheArl()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", scene.PathOf("ca/sub.pem"));

        Assert.Equal(0, code);
        Assert.Contains("of root, valid until", Assert.Single(lines, line => line.Check == "certificate").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACertificateWhoseCrlIsNotThere_IsOfUnknownStatus()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers.Remove(scene.RootCrl);

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", scene.PathOf("ca/sub.pem"));

        Assert.Equal(2, code);
        Assert.Contains("of unknown status", Assert.Single(lines, line => line.Check == "certificate").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AForeignCertificate_IsBad()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        string file = scene.Write("foreign.pem", CertificateFile.Write(scene.Hierarchy.OtherRoot));

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--certificate", file);

        Assert.Equal(2, code);
        Assert.Contains("no CA of the ceremony signed it", Assert.Single(lines, line => line.Check == "certificate").Found, StringComparison.Ordinal);
    }

    /// <summary>Who certifies officers has no subscribers, and so no partitions.</summary>
    [Fact]
    public async Task ACaOfOfficers_HasNoPartitions()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        InventoryCertificate sub = scene.Inventory.Certificates.First(each => each.Id == "sub");
        scene.Write("officer.pem", CertificateFile.Write(await scene.Hierarchy.Sub.IssueAsync(scene.Hierarchy.Prepare(scene.Hierarchy.Request("officer")), TestContext.Current.CancellationToken)));
        scene.Inventory = scene.Inventory with
        {
            Certificates = [.. scene.Inventory.Certificates, sub with { Id = "officer", Issuer = "sub", File = "officer.pem", Profile = "officer 00" }],
        };

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync();

        Assert.Equal(0, code);
        Assert.Equal(3, lines.Count(line => line.Check == "crl"));
    }

    [Fact]
    public async Task Text_HasAVerdictInEachLine()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers.Remove(scene.SubCrl);

        (int code, string text, _) = await scene.RunAsync("--url", scene.Web.Url);

        Assert.Equal(2, code);
        string[] lines = text.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.All(lines[..^1], line => Assert.True(line.StartsWith("ok       ", StringComparison.Ordinal) || line.StartsWith("warning  ", StringComparison.Ordinal) || line.StartsWith("bad      ", StringComparison.Ordinal), line));
        Assert.Contains(lines, line => line.StartsWith($"bad      crl          http://pki.example.gov.cn{scene.SubCrl}: the CRL is not there: the answer has status 404. Do: see", StringComparison.Ordinal));
        Assert.EndsWith("2 warnings, 1 bad", lines[^1], StringComparison.Ordinal);
    }

    /// <summary>The output of a real one: what the device made of the plan in docs/ceremony, without RSA.</summary>
    [Fact]
    public async Task OutputOfACeremony_IsUnderstood()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        await stage.CompleteAsync();
        await using WebPlace web = await WebPlace.StartAsync(DateTimeOffset.UtcNow);
        var installation = Installation.Read(stage.Output, web.Url);
        foreach (Authority authority in installation.Authorities)
        {
            InventoryCrl crl = installation.Inventory.Crls.First(each => each.Issuer == authority.Id);
            web.Answers[$"/crl/{authority.KeyIdentifier}/all.crl"] = WebPlace.File(await BytesAsync(crl.File), DateTimeOffset.UtcNow);
            web.Answers[$"/ca/{authority.KeyIdentifier}.cer"] = WebPlace.File(Der.Encode(authority.Certificate), DateTimeOffset.UtcNow, type: "application/pkix-cert");
        }

        DoctorReport report = await Examination.RunAsync(
            new ExaminationPlan { Installation = installation, State = new KeptState(null) }, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(["root-s1", "system", "issuing-s1", "ops-s1"], installation.Authorities.Select(authority => authority.Id));
        Diagnosis[] bad = [.. report.Lines.Where(line => line.Health == Health.Bad)];
        string issuing = installation.Authorities.First(authority => authority.Id == "issuing-s1").KeyIdentifier;
        Assert.Equal(Enumerable.Range(0, 32).Select(i => $"{installation.Inventory.BaseUrl}/crl/{issuing}/32-{i}.crl"), bad.Select(line => line.Subject));
        Assert.Equal(4, report.Lines.Count(line => line.Check == "crl" && line.Health == Health.Ok));
        Assert.Equal(4, report.Lines.Count(line => line.Check == "ca" && line.Health == Health.Ok));
        Assert.Equal(4, report.Lines.Count(line => line.Check == "aia" && line.Health == Health.Ok));

        Task<byte[]> BytesAsync(string file) => File.ReadAllBytesAsync(Path.Combine(stage.Output, file), TestContext.Current.CancellationToken);
    }

    public static TheoryData<string, string> Unusable => new()
    {
        { "--state", "no state of the doctor" },
        { "--profiles", "" },
        { "--certificate", "Neither DER nor PEM" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public async Task AFileThatCannotBeUsed_IsExitCode3(string option, string reason)
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();

        (int code, string text, string error) = await scene.RunAsync("--url", scene.Web.Url, option, scene.Write("x", Encoding.UTF8.GetBytes("{\"a\":\"-1\"}")));

        Assert.Equal(3, code);
        Assert.Empty(text);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFolderOfNoCeremony_IsExitCode3()
    {
        using var folder = new TemporaryFolder();
        using var error = new StringWriter();

        int code = await DoctorVerb.Doctor().Parse(["--trust", folder.Path])
            .InvokeAsync(new System.CommandLine.InvocationConfiguration { Error = error }, TestContext.Current.CancellationToken);

        Assert.Equal(3, code);
        Assert.Contains("not the output of a ceremony", error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(DoctorVerb.Doctor().Parse([]).Errors);
        Assert.NotEmpty(DoctorVerb.Doctor().Parse(["--trust", folder.Path, "--url", "ftp://x"]).Errors);
        Assert.NotEmpty(DoctorVerb.Doctor().Parse(["--trust", folder.Path, "--timeout", "0"]).Errors);
    }

    /// <summary>Whatever it is that nobody thought of: monitoring must not read it as "there are warnings".</summary>
    [Fact]
    public async Task ADoctorThatFails_IsExitCode4()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Write(Inventory.FileName, scene.Inventory.Write());
        using var error = new StringWriter();

        int code = await DoctorVerb.Doctor(new NoTime()).Parse(["--trust", scene.PathOf(".")])
            .InvokeAsync(new System.CommandLine.InvocationConfiguration { Output = error, Error = error }, TestContext.Current.CancellationToken);

        Assert.Equal(4, code);
        Assert.Contains("no clock here", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatNobodyThoughtOf_IsABadLine_AndTheOthersAreTold()
    {
        var report = new DoctorReport();

        await report.LookAsync("crl", "http://a/", () => throw new InvalidOperationException("Oh."));
        report.Ok("crl", "http://b/", "well");

        Assert.Equal(["could not be looked at: InvalidOperationException: Oh", "well"], report.Lines.Select(line => line.Found));
        Assert.Equal(Health.Bad, report.Worst);
    }

    [Fact]
    public async Task AStateThatCannotBeWritten_TakesNothingFromTheReport()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers.Remove(scene.SubCrl);

        (int code, string text, string error) = await scene.RunAsync("--url", scene.Web.Url, "--state", scene.PathOf("no/such/folder/state.json"));

        Assert.Equal(3, code);
        Assert.Contains("the CRL is not there", text, StringComparison.Ordinal);
        Assert.NotEmpty(error);
    }

    [Fact]
    public async Task WhatWasNotLookedAt_IsAWarning()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();

        (int code, string text, _) = await scene.RunAsync("--url", scene.Web.Url);

        Assert.Equal(1, code);
        Assert.Contains("warning  ready        services: log, HSM, database and jobs of the CA were not looked at", text, StringComparison.Ordinal);
        Assert.Contains("warning  log          checkpoints: no checkpoint of a log was looked at", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_HasNoCharactersThatTurnTheDirectionOfWriting()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers["/health/ready"] = WebPlace.Text(DoctorScene.Healthy.Replace("\"}]}", "\",\"reason\":\"政务\\u202E\\u009Bx\"}]}", StringComparison.Ordinal));

        (_, string text, _) = await scene.RunAsync("--json", "--management", scene.Web.Url, "--url", scene.Web.Url);

        Assert.Contains("政务\\u202E\\u009Bx", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', text);
    }

    /// <summary>A server that sends without end at one place: what comes after is not asked for, and a line says so.</summary>
    [Fact]
    public async Task MoreThanAllAnswersMayHave_IsNotFetched()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Web.Answers[scene.RootCrl] = context => context.Response.Body.WriteAsync(new byte[2 << 20], context.RequestAborted).AsTask();

        (int code, IReadOnlyList<Told> lines) = await scene.ExamineAsync("--megabytes", "1");

        Assert.Equal(2, code);
        Assert.Contains("the 1 MiB that all answers together may have are spent: not everything was looked at", Assert.Single(lines, line => line.Check == "limits").Found, StringComparison.Ordinal);
        Assert.Equal(1 + 32 + 1, lines.Count(line => line.Found.Contains("not asked, for the 1 MiB", StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.True(line.Check is not "ready" || line.Health == "ok", line.Found));
    }

    [Fact]
    public async Task LongerThanAllAnswersMayTake_IsNotWaitedFor()
    {
        await using DoctorScene scene = await DoctorScene.CreateAsync();
        scene.Write(Inventory.FileName, scene.Inventory.Write());

        DoctorReport report = await Examination.RunAsync(
            new ExaminationPlan { Installation = Installation.Read(scene.PathOf("."), scene.Web.Url), State = new KeptState(null), MaxTime = TimeSpan.FromTicks(1) },
            new SetTime(DoctorScene.Now),
            TestContext.Current.CancellationToken);

        Assert.Contains("may take are over: not everything was looked at", Assert.Single(report.Lines, line => line.Check == "limits").Found, StringComparison.Ordinal);
        Assert.All(report.Lines.Where(line => line.Check == "crl"), line => Assert.Contains("not asked, for", line.Found, StringComparison.Ordinal));
    }

    private static string Partition(DoctorScene scene, int number) => DoctorScene.CrlPath(scene.Hierarchy.Sub, $"32-{number}");

    private static byte[] Flipped(byte[] crl)
    {
        byte[] flipped = [.. crl];
        flipped[^1] ^= 1;
        return flipped;
    }

    private static Func<DoctorScene, Task> Do(Action<DoctorScene> change) => scene =>
    {
        change(scene);
        return Task.CompletedTask;
    };

    private static Func<DoctorScene, Task> SubCrl(int number, DateTimeOffset thisUpdate, DateTimeOffset nextUpdate) => async scene =>
        scene.Put(scene.SubCrl, await DoctorScene.CrlAsync(scene.Hierarchy.Sub, "all", number, thisUpdate, nextUpdate));

    private static Func<DoctorScene, Task> Aged(string age) => Do(scene =>
    {
        RequestDelegate good = scene.Web.Answers[scene.SubCrl];
        scene.Web.Answers[scene.SubCrl] = context =>
        {
            context.Response.Headers.Age = age;
            return good(context);
        };
    });

    private static async Task<byte[]> ArlAsync(Issuer issuer)
    {
        using var output = new MemoryStream();
        await CrlIssuer.IssueAsync(issuer, new CrlRequest { Kind = CrlKind.Authorities, Number = 5, ThisUpdate = Begin, NextUpdate = Begin.AddDays(183) }, [], output);
        return output.ToArray();
    }

    private static Func<DoctorScene, Task> RootCrl(int days) => async scene =>
        scene.Put(scene.RootCrl, await DoctorScene.CrlAsync(scene.Hierarchy.Root, "all", 5, Begin, Begin.AddDays(days)));

    private static Func<DoctorScene, Task> Copy(Func<DoctorScene, string> from, Func<DoctorScene, string> to) => Do(scene => scene.Put(to(scene), scene.Published.Files[from(scene)]));

    private static Func<DoctorScene, Task> Answer(Action<HttpContext> answer) => Do(scene => scene.Web.Answers[scene.SubCrl] = async context =>
    {
        answer(context);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    });

    private static Func<DoctorScene, Task> Cached(string? cache, string? tag = "\"1\"", DateTimeOffset? modified = null) =>
        Do(scene => scene.Web.Answers[scene.SubCrl] = WebPlace.File(scene.Published.Files[scene.SubCrl], modified ?? Begin, cache, tag));

    private static Func<DoctorScene, Task> Typed(Func<DoctorScene, string> path, string? type) =>
        Do(scene => scene.Web.Answers[path(scene)] = WebPlace.File(scene.Published.Files[path(scene)], Begin, type: type));

    private static Func<DoctorScene, Task> Ready(string answer, int status = 200) => Do(scene => scene.Web.Answers["/health/ready"] = WebPlace.Text(answer, status));

    private sealed class NoTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException("no clock here");

        public override long GetTimestamp() => throw new InvalidOperationException("no clock here");
    }
}
