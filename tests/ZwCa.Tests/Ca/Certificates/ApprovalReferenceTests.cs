using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Certificates;

/// <summary>One CA, and an RA of another province.</summary>
public sealed class ApprovalReferenceFixture : IAsyncLifetime
{
    internal CaStage Stage { get; private set; } = null!;

    internal RaParty Other { get; private set; } = null!;

    internal StageOfficer County { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Stage = await CaStage.StartAsync();
        Other = await Stage.RaAsync("ra-36", CaStage.OtherProvince);
        County = await Stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County);
    }

    public ValueTask DisposeAsync() => Stage.DisposeAsync();
}

/// <summary>Approvals that an RA gives once, and then names by their hash: no request gets anything by it that it would not get with the approvals themselves.</summary>
public sealed class ApprovalReferenceTests(ApprovalReferenceFixture fixture) : IClassFixture<ApprovalReferenceFixture>
{
    private const string Path = "/certificates";

    private readonly CaStage _stage = fixture.Stage;

    /// <summary>What is no officer's word of the RA's region, and how it is refused.</summary>
    private static readonly Dictionary<string, (Refusal Kind, Func<ApprovalReferenceFixture, Task<byte[]>> Make)> Junk = new()
    {
        ["nothing"] = (Refusal.Malformed, _ => Task.FromResult<byte[]>([])),
        ["no DER"] = (Refusal.Malformed, _ => Task.FromResult<byte[]>([0x30, 0x80, 1])),
        ["an application"] = (Refusal.Malformed, scene => Task.FromResult(Der.Encode(scene.Stage.Draft(Key()).ToApplication()))),
        ["another's signature"] = (Refusal.BadSignature, scene =>
        {
            Approval good = Over(scene.Stage, scene.Stage.Entry, ApprovalStep.Entry, 3);
            Approval other = Over(scene.Stage, scene.Stage.Review, ApprovalStep.Entry, 3);
            return Task.FromResult(Der.Encode(Approval.Assemble(good.TbsBytes, other.Signature, good.Certificate)));
        }),
        ["a digest changed afterwards"] = (Refusal.BadSignature, scene =>
        {
            Approval good = Over(scene.Stage, scene.Stage.Entry, ApprovalStep.Entry, 3);
            byte[] tbs = Der.Encode(new TbsApproval(ApprovalStep.Entry, [.. good.Tbs.Digests.Skip(1), new byte[32]], good.Tbs.Time));
            return Task.FromResult(Der.Encode(Approval.Assemble(tbs, good.Signature, good.Certificate)));
        }),
        ["by a certificate that nobody here has issued"] = (Refusal.BadSignature, scene => Task.FromResult(Der.Encode(ApprovalSigning.Sign(
            ApprovalSigning.Build(ApprovalStep.Entry, Applications(scene.Stage, 3), DateTimeOffset.UtcNow), scene.Stage.Ra.Key, scene.Stage.Ra.Certificate!)))),
        ["31 days old"] = (Refusal.NotApproved, scene => Task.FromResult(Der.Encode(Over(scene.Stage, scene.Stage.Entry, ApprovalStep.Entry, 3, DateTimeOffset.UtcNow.AddDays(-31))))),
        ["from tomorrow"] = (Refusal.NotApproved, scene => Task.FromResult(Der.Encode(Over(scene.Stage, scene.Stage.Entry, ApprovalStep.Entry, 3, DateTimeOffset.UtcNow.AddDays(1))))),
        ["by an administrator"] = (Refusal.NotAllowed, scene => Task.FromResult(Der.Encode(Over(scene.Stage, scene.Stage.FirstAdministrator, ApprovalStep.Review, 3)))),
        ["a county's review"] = (Refusal.NotAllowed, scene => Task.FromResult(Der.Encode(Over(scene.Stage, scene.County, ApprovalStep.Review, 3)))),
        ["by an officer of another province"] = (Refusal.OutOfScope, scene => Task.FromResult(Der.Encode(Over(scene.Stage, scene.Stage.Stranger, ApprovalStep.Entry, 3)))),
        ["by somebody who is not in office"] = (Refusal.NotAllowed, async scene =>
            Der.Encode(Over(scene.Stage, await scene.Stage.CertifyAsync(RoleCatalogue.BusinessOperator, CaStage.City), ApprovalStep.Entry, 3))),
    };

    public static TheoryData<string> JunkNames => [.. Junk.Keys];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(JunkNames))]
    public async Task WhatIsNoOfficersWord_IsNotKept(string name)
    {
        (Refusal kind, Func<ApprovalReferenceFixture, Task<byte[]>> make) = Junk[name];
        byte[] approval = await make(fixture);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<ApprovalAnswer>("/approvals", new ApprovalRequest { Approval = approval }));

        Assert.Equal(kind, refused.Kind);
        Assert.Contains(refused.Message, character => character > 0x2E80);
        Assert.Equal(0, await KeptAsync(Sm3.HashData(approval)));
    }

    [Fact]
    public async Task OneSignatureEach_IssuesThreeCertificates_AndIsKeptOnce()
    {
        Sm2PrivateKey[] keys = [Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate()];
        Application[] applications = [.. keys.Select(key => _stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication())];
        byte[] entry = await GiveAsync(Sign(_stage.Entry, ApprovalStep.Entry, applications));
        byte[] review = await GiveAsync(Sign(_stage.Review, ApprovalStep.Review, applications));
        foreach ((Application application, Sm2PrivateKey key) in applications.Zip(keys))
        {
            CertificateAnswer issued = await _stage.Ra.PostAsync<CertificateAnswer>(Path, Request(application, entry, review, key));
            CertificateHistory history = await _stage.Ra.GetAsync<CertificateHistory>($"{Path}/{issued.Issuer}/{issued.Serial}/history");
            DecisionAnswerIs(entry, Assert.Single(history.Decisions).Entry);
            DecisionAnswerIs(review, Assert.Single(history.Decisions).Review);
            key.Dispose();
        }

        Assert.Equal(1, await KeptAsync(entry));

        // What was decided is spent, whoever names it.
        using var last = Sm2PrivateKey.Generate();
        await RefusedAsync(Refusal.NotApproved, Request(_stage.Draft(SubjectPublicKeyInfo.ForSm2(last.PublicKey.ToBytes())).ToApplication(), entry, review, last));
    }

    [Fact]
    public async Task GivenTwice_IsOne()
    {
        Approval approval = Over(_stage, _stage.Entry, ApprovalStep.Entry, 3);
        Assert.Equal(await GiveAsync(approval), await GiveAsync(approval));
        Assert.Equal(1, await KeptAsync(Sm3.HashData(Der.Encode(approval))));
    }

    [Fact]
    public async Task WhatTheCaLacks_ItAsksFor_AndTheSameRequestIsThenDone()
    {
        using var key = Sm2PrivateKey.Generate();
        Application application = _stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication();
        Approval entry = Sign(_stage.Entry, ApprovalStep.Entry, application), review = Sign(_stage.Review, ApprovalStep.Review, application);
        DecidedRequest request = Request(application, Sm3.HashData(Der.Encode(entry)), Sm3.HashData(Der.Encode(review)), key);
        var id = RequestId.Create(TimeProvider.System);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<CertificateAnswer>(Path, request, id));
        Assert.Equal((Refusal.Unavailable, TimeSpan.FromSeconds(1)), (refused.Kind, refused.RetryAfter));
        await GiveAsync(entry);
        await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<CertificateAnswer>(Path, request, id));
        await GiveAsync(review);
        Assert.Equal("valid", (await _stage.Ra.PostAsync<CertificateAnswer>(Path, request, id)).State);
    }

    [Fact]
    public async Task AReferenceAndBytes_OrNeither_OrHalfAHash_IsMalformed()
    {
        using var key = Sm2PrivateKey.Generate();
        Application application = _stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication();
        byte[] entry = await GiveAsync(Sign(_stage.Entry, ApprovalStep.Entry, application));
        byte[] review = await GiveAsync(Sign(_stage.Review, ApprovalStep.Review, application));
        DecidedRequest good = Request(application, entry, review, key);
        await RefusedAsync(Refusal.Malformed, good with { Entry = Der.Encode(Sign(_stage.Entry, ApprovalStep.Entry, application)) });
        await RefusedAsync(Refusal.Malformed, good with { ReviewHash = null });
        await RefusedAsync(Refusal.Malformed, good with { EntryHash = entry[..31] });
        await RefusedAsync(Refusal.NotApproved, good with { ReviewHash = entry });
        Assert.Equal("valid", (await _stage.Ra.PostAsync<CertificateAnswer>(Path, good with { EntryHash = null, Entry = Der.Encode(Sign(_stage.Entry, ApprovalStep.Entry, application)) })).State);
    }

    [Fact]
    public async Task WhatAnotherRaHasGiven_DecidesNothingHere()
    {
        using var key = Sm2PrivateKey.Generate();
        Application application = _stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication();
        byte[] review = await GiveAsync(Sign(_stage.Review, ApprovalStep.Review, application));
        byte[] strangers = await GiveAsync(Sign(_stage.Stranger, ApprovalStep.Entry, application), fixture.Other);
        await RefusedAsync(Refusal.OutOfScope, Request(application, strangers, review, key));

        // Nor does the other RA do anything with what this one has given.
        byte[] entry = await GiveAsync(Sign(_stage.Entry, ApprovalStep.Entry, application));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => fixture.Other.PostAsync<CertificateAnswer>(Path, Request(application, entry, review, key)));
        Assert.Equal(Refusal.OutOfScope, refused.Kind);
    }

    [Fact]
    public async Task WhoIsNoMoreInOffice_DecidesNoMore_ThoughHisSignatureHeld()
    {
        StageOfficer officer = await _stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.City);
        Sm2PrivateKey[] keys = [Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate()];
        Application[] applications = [.. keys.Select(each => _stage.Draft(SubjectPublicKeyInfo.ForSm2(each.PublicKey.ToBytes())).ToApplication())];
        byte[] entry = await GiveAsync(Sign(officer, ApprovalStep.Entry, applications));
        byte[] review = await GiveAsync(Sign(_stage.Review, ApprovalStep.Review, applications));
        Assert.Equal("valid", (await _stage.Ra.PostAsync<CertificateAnswer>(Path, Request(applications[0], entry, review, keys[0]))).State);

        await _stage.RawAsync("UPDATE officer SET enabled = 0 WHERE certificate_serial = @Serial", new { Serial = officer.SerialNumber.ToString() });

        await RefusedAsync(Refusal.NotAllowed, Request(applications[1], entry, review, keys[1]));
        Array.ForEach(keys, each => each.Dispose());
    }

    [Fact]
    public void ASignatureThatHeld_IsRememberedOfThatObject_AndOfNothingElse()
    {
        ApprovalVerifier verifier = _stage.App.Services.GetRequiredService<ApprovalVerifier>();
        Application[] applications = Applications(_stage, 3);
        Approval good = Sign(_stage.Entry, ApprovalStep.Entry, applications);
        verifier.Verify(good, applications[0]);
        verifier.Verify(good, applications[2]);
        Assert.Equal(Refusal.NotApproved, Assert.Throws<RefusalException>(() => verifier.Verify(good, Applications(_stage, 1)[0])).Kind);

        var forged = Approval.Assemble(good.TbsBytes, Sm2Signature.FromRaw([.. good.Signature.Raw.ToArray().Reverse()]), good.Certificate);
        Assert.Equal(Refusal.BadSignature, Assert.Throws<RefusalException>(() => verifier.Verify(forged, applications[0])).Kind);
        Assert.Equal(Refusal.BadSignature, Assert.Throws<RefusalException>(() => verifier.Verify(forged, applications[0])).Kind);
    }

    [Fact]
    public void AnApprovalOverTenThousand_CoversEachOfThem_AndNoOther()
    {
        ReadOnlyMemory<byte>[] digests = [.. Enumerable.Range(0, TbsApproval.MaxDigests).Select(i => (ReadOnlyMemory<byte>)Sm3.HashData(BitConverter.GetBytes(i)))];
        var tbs = new TbsApproval(ApprovalStep.Entry, digests, Time.Truncate(DateTimeOffset.UtcNow));
        for (int pass = 0; pass < 2; pass++)
        {
            Assert.All(digests.Chunk(100).Select(chunk => chunk[^1]), digest => Assert.True(tbs.Covers(digest)));
            Assert.False(tbs.Covers(Sm3.HashData(BitConverter.GetBytes(TbsApproval.MaxDigests))));
            Assert.False(tbs.Covers(digests[0][..31]));
        }
    }

    private static SubjectPublicKeyInfo Key()
    {
        using var key = Sm2PrivateKey.Generate();
        return SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }

    private static Application[] Applications(CaStage stage, int number) => [.. Enumerable.Range(0, number).Select(_ => stage.Draft(Key()).ToApplication())];

    private static Approval Over(CaStage stage, StageOfficer officer, ApprovalStep step, int number, DateTimeOffset? at = null) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, Applications(stage, number), at ?? DateTimeOffset.UtcNow), officer.Key, officer.Certificate);

    private static Approval Sign(StageOfficer officer, ApprovalStep step, params IReadOnlyList<Application> applications) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, applications, DateTimeOffset.UtcNow), officer.Key, officer.Certificate);

    private static DecidedRequest Request(Application application, byte[] entry, byte[] review, Sm2PrivateKey key) =>
        new() { Application = Der.Encode(application), EntryHash = entry, ReviewHash = review, Csr = CaStage.Csr(key) };

    private static void DecisionAnswerIs(byte[] hash, byte[]? approval) => Assert.Equal(hash, Sm3.HashData(approval));

    private async Task<byte[]> GiveAsync(Approval approval, RaParty? ra = null) =>
        Convert.FromHexString((await (ra ?? _stage.Ra).PostAsync<ApprovalAnswer>("/approvals", new ApprovalRequest { Approval = Der.Encode(approval) })).Hash);

    private Task<long> KeptAsync(byte[] hash) => _stage.Database.FindAsync<long>("SELECT COUNT(*) FROM approval WHERE approval_hash = @Hash", new { Hash = hash }, Token);

    private async Task RefusedAsync(Refusal kind, DecidedRequest request)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<CertificateAnswer>(Path, request));
        Assert.True(kind == refused.Kind, $"{refused.Kind}: {refused.Message}");
    }
}
