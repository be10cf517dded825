using System.Net.Http.Headers;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>KMC, devices and databases fail at each step: a pair is whole or absent, and its key is its own or nobody's.</summary>
public sealed class PairFaultTests
{
    private const short InUse = 2;
    private const short History = 3;
    private const int KilledBySignal = 137;

    [Fact]
    public async Task Without_the_KMC_no_pair_is_begun_and_single_certificates_go_on()
    {
        await using PairStage stage = await PairStage.StartAsync(Patient("00:00:02"));
        PairStage.Asked request = stage.Ask(stage.NewKey());
        await stage.Kmc.KillAsync();
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        Assert.All(await stage.RowsAsync(), row => Assert.Equal(CertificateState.Unused, row.State));
        Assert.Equal("valid", (await stage.Ca.IssueAsync()).Answer.State);

        await stage.Kmc.StartAsync();
        PairAnswer pair = await request.AnsweredAsync();
        Assert.Equal("valid", pair.Encryption.State);

        // What was asked for in vain, the KMC is told; it never had it.
        await NothingToTellAsync(stage);
        await PairTests.AuditedAsync(stage);
    }

    [Fact]
    public async Task A_KMC_that_answers_too_late_keeps_the_key_for_nobody()
    {
        await using PairStage stage = await PairStage.StartAsync(Patient("00:00:01"));
        stage.Kmc.Suspend();
        PairStage.Asked request = stage.Ask(stage.NewKey());
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        string serial = (await stage.RowsAsync())[^1].Serial;
        stage.Kmc.Resume();
        PairAnswer pair = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, PairStage.Token);
        Assert.NotEqual(serial, pair.Encryption.Serial);
        await NothingToTellAsync(stage);
        await PairStage.UntilAsync(async () => await stage.KeyStateAsync(serial) is 0 or History);
        await PairTests.AuditedAsync(stage);
    }

    [Theory]
    [InlineData("kmc-bound")]
    [InlineData("kmc-opened")]
    [InlineData("kmc-signed")]
    [InlineData("kmc-kept")]
    public async Task The_KMC_dies_between_apply_and_sign_The_same_request_gets_another_key(string point)
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        await using PairStage stage = await PairStage.StartAsync();
        await stage.Kmc.StopAsync();
        stage.Kmc.Launch(point);
        Assert.True(await stage.Kmc.WaitUntilReadyAsync(), stage.Kmc.Log);
        PairStage.Asked request = stage.Ask(stage.NewKey());
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        Assert.Equal(KilledBySignal, await stage.Kmc.WaitForExitAsync());
        IReadOnlyList<CertificateRow> closed = await stage.RowsAsync();
        Assert.All(closed, row => Assert.Equal((CertificateState.Unused, true), (row.State, row.Tbs is null)));
        Assert.Contains(InUse, await Task.WhenAll(closed.Select(row => stage.KeyStateAsync(row.Serial))));

        await stage.Kmc.StartAsync();
        PairAnswer pair = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, PairStage.Token);
        Assert.DoesNotContain(pair.KeySerial, closed.Select(row => row.Serial));
        Assert.Equal(InUse, await stage.KeyStateAsync(pair.KeySerial));
        await NothingToTellAsync(stage);
        Assert.Contains(History, await Task.WhenAll(closed.Select(row => stage.KeyStateAsync(row.Serial))));
        await PairTests.AuditedAsync(stage);
    }

    [Fact]
    public async Task An_application_that_arrives_after_its_revocation_has_its_key_revoked_all_the_same()
    {
        await using PairStage stage = await PairStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:KeyCentre:UnknownAfter"] = "00:10:00" } });
        PairStage.Asked request = stage.Ask(stage.NewKey());
        await stage.Kmc.KillAsync();
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        await stage.Kmc.StartAsync();
        (string serial, long tries) = await stage.Ca.Database.FindAsync<(string, long)>("SELECT key_serial, tries FROM key_task WHERE kind = 2", cancellationToken: PairStage.Token);
        await stage.Ca.RawAsync("UPDATE key_task SET try_after = 0");
        await PairStage.UntilAsync(async () => await stage.Ca.Database.FindAsync<long>("SELECT tries FROM key_task", cancellationToken: PairStage.Token) > tries);

        // It has said that it knows of no key. Now comes the application, which had been on its way.
        using Sm2PrivateKey recipient = Sm2PrivateKey.Generate();
        var user = new AppUserInfo(SerialNumber.Parse(serial), PairScene.Of(recipient), Time.Truncate(DateTimeOffset.UtcNow), Time.Truncate(DateTimeOffset.UtcNow.AddDays(365)));
        byte[] message = await stage.SignAsync(ApplyKeyReq.Sm2(user));
        using HttpClient link = stage.Kmc.CreateCaClient();
        using var content = new ByteArrayContent(message);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using HttpResponseMessage bound = await link.PostAsync("/gmt0014", content, PairStage.Token);
        await bound.ThrowIfRefusedAsync(PairStage.Token);
        Assert.Equal(InUse, await stage.KeyStateAsync(serial));
        await stage.Ca.RawAsync("UPDATE key_task SET try_after = 0");
        await NothingToTellAsync(stage);
        Assert.Equal(History, await stage.KeyStateAsync(serial));
    }

    [Fact]
    public async Task A_dry_pool_refuses_and_recovers()
    {
        var settings = new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "1", ["Kmc:Pool:Full"] = "1", ["Kmc:PoolLook"] = "00:00:03" };
        await using PairStage stage = await PairStage.StartAsync(kmcSettings: settings);
        Refusal? refused = null;
        PairStage.Asked? waiting = null;
        for (int i = 0; i < 10 && refused is null; i++)
        {
            PairStage.Asked request = stage.Ask(stage.NewKey());
            try
            {
                await request.AnsweredAsync();
            }
            catch (RefusalException e)
            {
                (refused, waiting) = (e.Kind, request);
                Assert.Contains("备用密钥已用完", e.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(Refusal.Unavailable, refused);
        Assert.Equal("valid", (await SignedCalls.UntilAnsweredAsync(waiting!.AnsweredAsync, PairStage.Token)).Encryption.State);
        await PairTests.AuditedAsync(stage);
    }

    [Fact]
    public async Task The_CAs_device_fails_Both_intentions_stand_and_the_same_request_gets_the_pair()
    {
        await using PairStage stage = await PairStage.StartAsync();
        PairStage.Asked request = stage.Ask(stage.NewKey());
        int calls = 0;

        // The first signature is the message to the KMC.
        stage.Ca.Hsm.Fault = signatures => Interlocked.Increment(ref calls) > 1 ? throw new HsmException(HsmFailure.NoAnswer, "As the test wants it.") : signatures;
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        IReadOnlyList<CertificateRow> intended = await stage.RowsAsync();
        Assert.Equal([CertificateState.Intended, CertificateState.Intended], intended.Select(row => row.State));
        stage.Ca.Hsm.Fault = signatures => signatures;
        PairAnswer pair = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, PairStage.Token);
        Assert.Equal(intended.Select(row => row.Serial).Order(), new[] { pair.Signing.Serial, pair.Encryption.Serial }.Order());
        Assert.NotNull(pair.Envelope);
        await PairTests.AuditedAsync(stage);
    }

    [Fact]
    public async Task A_renewal_that_is_broken_off_goes_on_with_the_key_that_is_kept()
    {
        await using PairStage stage = await PairStage.StartAsync();
        string entity = CaStage.NewEntity();
        (PairAnswer pair, Sm2PrivateKey key) = await stage.IssueAsync(entity);
        await stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", PairScene.Receipt(pair, key));
        PairStage.Asked renewal = stage.Follow(pair, DecisionKind.Renew, key, entity);
        stage.Ca.Hsm.Fault = _ => throw new HsmException(HsmFailure.NoAnswer, "As the test wants it.");
        Assert.Equal(Refusal.Unavailable, await renewal.RefusedAsync());
        Assert.Equal(2, (await stage.RowsAsync()).Count(row => row.State == CertificateState.Intended));
        stage.Ca.Hsm.Fault = signatures => signatures;
        PairAnswer renewed = await SignedCalls.UntilAnsweredAsync(renewal.AnsweredAsync, PairStage.Token);
        Assert.Equal(("kept", pair.KeySerial), (renewed.Delivery, renewed.KeySerial));
        Assert.Equal(InUse, await stage.KeyStateAsync(pair.KeySerial));
        await PairTests.AuditedAsync(stage);
    }

    [Theory]
    [InlineData("reserve", "BEFORE INSERT ON key_task")]
    [InlineData("intend", "BEFORE INSERT ON certificate_pair")]
    [InlineData("decide", "BEFORE INSERT ON decision WHEN NEW.kind > 100")]
    [InlineData("deliver", "BEFORE INSERT ON pair_delivery")]
    [InlineData("store", "BEFORE UPDATE ON certificate WHEN NEW.state = 2 AND NEW.certificate_id IN (SELECT encryption_id FROM certificate_pair)")]
    [InlineData("answer", "BEFORE UPDATE ON message_answer WHEN NEW.state = 2")]
    public async Task The_database_fails_at_a_step_The_pair_is_whole_or_absent(string step, string when)
    {
        await using PairStage stage = await PairStage.StartAsync();
        PairStage.Asked request = stage.Ask(stage.NewKey());
        await stage.Ca.RawAsync($"CREATE TRIGGER test_fault {when} BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END");
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        await WholeAsync(stage, step);
        await stage.Ca.RawAsync("DROP TRIGGER test_fault");
        PairAnswer pair = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, PairStage.Token);
        Assert.Equal(("valid", "valid"), (pair.Signing.State, pair.Encryption.State));
        await NothingToTellAsync(stage);
        await WholeAsync(stage, step);
        await PairTests.AuditedAsync(stage);
    }

    [Fact]
    public async Task A_key_that_somebody_wrote_into_the_intention_is_never_certified()
    {
        await using PairStage stage = await PairStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = "01:00:00" } });
        PairStage.Asked request = stage.Ask(stage.NewKey());
        int calls = 0;
        stage.Ca.Hsm.Fault = signatures => Interlocked.Increment(ref calls) > 1 ? throw new HsmException(HsmFailure.NoAnswer, "As the test wants it.") : signatures;
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        stage.Ca.Hsm.Fault = signatures => signatures;

        // All else about the row is right.
        CertificateRow row = (await stage.RowsAsync())[1];
        TbsCertificate tbs = Der.Decode<TbsCertificate>(row.Tbs);
        using var own = Sm2PrivateKey.Generate();
        SubjectPublicKeyInfo key = PairScene.Of(own);
        Extension[] extensions = [.. tbs.Extensions!.Select(each => each.Id == Oids.SubjectKeyIdentifier ? Extension.Create(SubjectKeyIdentifier.Of(key), critical: false) : each)];
        byte[] forged = Der.Encode(new TbsCertificate(tbs.SerialNumber, tbs.Signature, tbs.Issuer, tbs.Validity, tbs.Subject, key, new Extensions(extensions)));
        await stage.Ca.RawAsync(
            "UPDATE certificate SET tbs = @Tbs, key_hash = @KeyHash WHERE certificate_id = @Id", new { Tbs = forged, KeyHash = Sm3.HashData(Der.Encode(key)), Id = row.CertificateId });
        Assert.Equal(Refusal.WrongState, await request.RefusedAsync());
        Assert.All(await stage.RowsAsync(), each => Assert.Equal((CertificateState.Revoked, true), (each.State, each.Signature is null)));
        await PairStage.UntilAsync(async () => await stage.KeyStateAsync(row.Serial) == History);
    }

    private static CaSetup Patient(string timeout) => new() { Settings = new Dictionary<string, string?> { ["Ca:KeyCentre:Timeout"] = timeout } };

    /// <summary>Whatever the KMC has to be told, it is told.</summary>
    private static Task NothingToTellAsync(PairStage stage) => PairStage.UntilAsync(async () =>
        await stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM key_task", cancellationToken: PairStage.Token) == 0);

    private static async Task WholeAsync(PairStage stage, string step)
    {
        foreach (IGrouping<bool, CertificateRow> each in (await stage.RowsAsync()).GroupBy(row => row.State is CertificateState.Valid or CertificateState.Intended))
        {
            Assert.True(!each.Key || each.Count() == 2, $"{step}: half a pair");
        }
    }
}
