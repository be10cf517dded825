using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Crash;

/// <summary>Device, database and log fail at each step, and the CA lives on: nothing leaves that is not recorded, and the same request is answered later.</summary>
public sealed class FaultTests
{
    private const string Issued = "certificate.issue";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HsmFailure.Unreachable)]
    [InlineData(HsmFailure.NoAnswer)]
    [InlineData(HsmFailure.DeviceError)]
    public async Task Device_fails_The_intention_stands_and_the_same_request_gets_its_certificate(HsmFailure failure)
    {
        await using CaStage stage = await CaStage.StartAsync();
        var request = new Asked(stage);

        stage.Hsm.Fault = _ => throw new HsmException(failure, "As the test wants it.");
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        Assert.Equal([CertificateState.Intended], (await request.RowsAsync()).Select(row => row.State));

        stage.Hsm.Fault = signatures => signatures;
        CertificateAnswer answer = await request.AnsweredAsync();
        CertificateRow row = Assert.Single(await request.RowsAsync());
        Assert.Equal((CertificateState.Valid, answer.Serial), (row.State, row.Serial));
        Assert.Equal(answer.Certificate, (await request.AnsweredAsync()).Certificate);
    }

    [Fact]
    public async Task Device_answers_after_the_request_has_ended_What_it_signed_is_the_certificate()
    {
        await using CaStage stage = await CaStage.StartAsync(new CaSetup
        {
            Options = options => options with { Limits = options.Limits with { RequestTimeout = TimeSpan.FromSeconds(2) } },
        });
        var request = new Asked(stage);
        long before = await request.SignaturesAsync();
        stage.Hsm.Fault = signatures =>
        {
            Thread.Sleep(TimeSpan.FromSeconds(3));
            return signatures;
        };

        await Record.ExceptionAsync(request.AnsweredAsync);
        stage.Hsm.Fault = signatures => signatures;

        CertificateAnswer answer = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, Token);
        CertificateRow row = Assert.Single(await request.RowsAsync());
        Assert.Equal((CertificateState.Valid, answer.Serial), (row.State, row.Serial));
        Assert.Equal(before + 1, await request.SignaturesAsync());
    }

    [Fact]
    public async Task Device_answers_with_a_wrong_signature_It_never_leaves_and_recovery_signs_the_same_bytes()
    {
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = "00:00:01" } });
        var request = new Asked(stage);

        stage.Hsm.Fault = signatures => [.. signatures.Select(value => (byte)(value ^ 1))];
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        CertificateRow intended = Assert.Single(await request.RowsAsync());
        Assert.Equal(CertificateState.Intended, intended.State);
        Assert.Null(intended.Signature);

        stage.Hsm.Fault = signatures => signatures;
        CertificateRow recovered = await request.EndedAsync();
        Assert.Equal(CertificateState.Valid, recovered.State);
        Assert.Equal(intended.Tbs, recovered.Tbs);
        Assert.Equal(recovered.Serial, (await request.AnsweredAsync()).Serial);
    }

    /// <summary>By what a statement of each transaction meets.</summary>
    [Theory]
    [InlineData("reserve", "BEFORE INSERT ON certificate", 0)]
    [InlineData("intend", "BEFORE UPDATE ON certificate WHEN NEW.state = 1", 0)]
    [InlineData("decide", "BEFORE INSERT ON decision", 0)]
    [InlineData("store", "BEFORE UPDATE ON certificate WHEN NEW.state = 2", 1)]
    [InlineData("answer", "BEFORE UPDATE ON message_answer WHEN NEW.state = 2", 1)]
    [InlineData("log", "BEFORE INSERT ON audit_event", 0)]
    [InlineData("pending", "BEFORE INSERT ON log_pending", 0)]
    public async Task Database_fails_at_a_step_Nothing_leaves_and_the_same_request_gets_its_certificate(string step, string when, int signed)
    {
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = "00:00:01" } });
        var request = new Asked(stage);
        long before = await request.SignaturesAsync();

        await stage.RawAsync($"CREATE TRIGGER test_fault {when} BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END");
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        Assert.DoesNotContain(await request.RowsAsync(), row => row.Signature is not null);
        Assert.True(await request.SignaturesAsync() >= before + signed, step);
        if (signed == 0)
        {
            Assert.Equal(before, await request.SignaturesAsync());
        }

        await stage.RawAsync("DROP TRIGGER test_fault");
        CertificateAnswer answer = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, Token);
        CertificateRow row = await request.EndedAsync();
        Assert.Equal((CertificateState.Valid, answer.Serial), (row.State, row.Serial));

        // What was reserved in vain is closed, and said so.
        Assert.All(await request.RowsAsync(), each => Assert.True(each.State is CertificateState.Valid or CertificateState.Unused));
        Assert.Equal(1, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM decision WHERE requester = @Name", new { stage.Ra.Name }, Token));
    }

    [Fact]
    public async Task Log_stands_still_Nothing_is_issued_until_it_goes_on()
    {
        var clock = new ShiftedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        var request = new Asked(stage);
        long before = await request.SignaturesAsync();
        await stage.RawAsync("CREATE TRIGGER test_fault BEFORE DELETE ON log_pending BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END");
        await stage.Scene.RegisterAsync("somebody", ZwCa.ServiceDefaults.Links.ClientKind.Ra);
        clock.Shift(TimeSpan.FromSeconds(20));

        Assert.Equal(Refusal.AuditUnavailable, await request.RefusedAsync());
        Assert.Empty(await request.RowsAsync());
        Assert.Equal(before, await request.SignaturesAsync());

        await stage.RawAsync("DROP TRIGGER test_fault");
        CertificateAnswer answer = await SignedCalls.UntilAnsweredAsync(request.AnsweredAsync, Token);
        Assert.Equal("valid", answer.State);
    }

    [Fact]
    public async Task Device_refuses_for_good_The_intention_is_given_up_and_revoked()
    {
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:SigningAttempts"] = "3" } });
        var request = new Asked(stage);

        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.");
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        }

        stage.Hsm.Fault = signatures => signatures;
        Assert.Equal(Refusal.WrongState, await request.RefusedAsync());
        await AssertGivenUpAsync(stage, request, attempts: 3);
    }

    [Fact]
    public async Task The_rules_refuse_what_was_intended_It_is_given_up_and_revoked()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var request = new Asked(stage);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.");
        Assert.Equal(Refusal.Unavailable, await request.RefusedAsync());
        stage.Hsm.Fault = signatures => signatures;

        // Bytes that this CA would never have built: another extension's content.
        CertificateRow row = Assert.Single(await request.RowsAsync());
        byte[] bent = [.. row.Tbs!];
        int at = bent.AsSpan().LastIndexOf("www.example.gov.cn"u8);
        bent[at] = (byte)'_';
        await stage.RawAsync("UPDATE certificate SET tbs = @Tbs WHERE certificate_id = @Id", new { Tbs = bent, Id = row.CertificateId });

        Assert.Equal(Refusal.WrongState, await request.RefusedAsync());
        await AssertGivenUpAsync(stage, request, attempts: 0);
    }

    private static async Task AssertGivenUpAsync(CaStage stage, Asked request, int attempts)
    {
        CertificateRow row = Assert.Single(await request.RowsAsync());
        Assert.Equal(CertificateState.Revoked, row.State);
        Assert.Null(row.Signature);
        Assert.Equal(
            (short)RevocationReason.CessationOfOperation,
            await stage.Database.FindAsync<short>("SELECT reason FROM revocation WHERE serial = @Serial", new { row.Serial }, Token));
        Assert.Equal(
            attempts, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM signing_attempt WHERE certificate_id = @Id", new { Id = row.CertificateId }, Token));
        Assert.DoesNotContain(Issued, await request.ActionsAsync());
        Assert.Equal("certificate.abandon", (await request.ActionsAsync())[^1]);

        // And stays so.
        Assert.Equal(Refusal.WrongState, await request.RefusedAsync());
        Assert.Single(await request.RowsAsync());
    }

    /// <summary>One request of the stage's RA, sent as often as a test wants.</summary>
    private sealed class Asked(CaStage stage)
    {
        private readonly DecidedRequest _request = stage.Scene.NewRequest();
        private readonly RequestId _id = RequestId.Create(TimeProvider.System);

        public Task<CertificateAnswer> AnsweredAsync() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", _request, _id);

        public async Task<Refusal> RefusedAsync() => (await Assert.ThrowsAsync<RefusalException>(AnsweredAsync)).Kind;

        public Task<IReadOnlyList<CertificateRow>> RowsAsync() => stage.Database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE ra_name = @Name", new { stage.Ra.Name }, Token);

        /// <summary>Of the CA's key.</summary>
        public async Task<long> SignaturesAsync() => await stage.Hsm.GetSignatureCountAsync((await stage.Hsm.FindKeyAsync(new KeyLabel("sub-ca"), Token))!, Token);

        /// <summary>Waits until recovery has left nothing.</summary>
        /// <returns>The only row that was ever intended.</returns>
        public async Task<CertificateRow> EndedAsync()
        {
            IReadOnlyList<CertificateRow> rows;
            while ((rows = await RowsAsync()).Any(row => row.State is CertificateState.Reserved or CertificateState.Intended))
            {
                await Task.Delay(100, Token);
            }

            return Assert.Single(rows, row => row.Tbs is not null);
        }

        /// <summary>What the log tells of the only row, in its order.</summary>
        public async Task<IReadOnlyList<string>> ActionsAsync()
        {
            CertificateRow row = Assert.Single(await RowsAsync());
            IReadOnlyList<byte[]> leaves = await stage.Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", cancellationToken: Token);
            return [.. leaves.Select(leaf => ZwCa.Asn1.Der.Decode<ZwCa.Asn1.Audit.AuditLeaf>(leaf)).Where(leaf => leaf.Object.Id.EndsWith($"/{row.Serial}", StringComparison.Ordinal)).Select(leaf => leaf.Action)];
        }
    }

    /// <summary>The machine's clock, put forward.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _ticks;

        public void Shift(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));
    }
}
