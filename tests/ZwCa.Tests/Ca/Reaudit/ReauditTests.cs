using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Import;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Reaudit;

/// <summary>The nightly re-audit: what somebody changes behind the service's back is found, and nothing else is.</summary>
public sealed class ReauditTests
{
    /// <summary>Recovery takes nothing from a request of these tests that takes long, and the re-audit looks at what is older.</summary>
    private static readonly TimeSpan RecoverAfter = TimeSpan.FromSeconds(3);

    private static readonly string[] Triggers = ["decision", "approval", "subject_owner", "key_owner", "status_decision", "audit_search", "audit_event", "log_leaf"];

    [Fact]
    public async Task AnUntouchedDatabase_HasNoFindings_AndEachTampering_IsFound()
    {
        await using CaStage stage = await StartAsync();

        // A life of every kind, untouched.
        await stage.IssueAsync();
        (CertificateAnswer resumed, _, _) = await stage.IssueAsync();
        await stage.ChangeAsync(resumed, DecisionKind.Suspend);
        await stage.ChangeAsync(resumed, DecisionKind.Resume);
        (CertificateAnswer revokedFromHold, _, _) = await stage.IssueAsync();
        await stage.ChangeAsync(revokedFromHold, DecisionKind.Suspend);
        await stage.ChangeAsync(revokedFromHold, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        (CertificateAnswer plainlyRevoked, _, _) = await stage.IssueAsync();
        await stage.ChangeAsync(plainlyRevoked, DecisionKind.Revoke);
        var cases = new List<(string Kind, string What, CertificateAnswer Certificate, Func<CertificateAnswer, Task> Tamper)>();
        foreach ((string kind, string what, Func<CertificateAnswer, Task> tamper, DecisionKind? status) in Tamperings(stage))
        {
            CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
            if (status is { } change)
            {
                await stage.ChangeAsync(certificate, change);
            }

            cases.Add((kind, what, certificate, tamper));
        }

        // The stage gives its RA a certificate that no officers have ordered: that is found each time, and nothing else.
        IReadOnlyList<FindingRow> untouched = await ReauditAsync(stage);
        Assert.Equal(["approvals"], untouched.Select(each => each.Kind));

        foreach (string table in Triggers)
        {
            await stage.RawAsync($"DROP TRIGGER {table}_no_update");
            await stage.RawAsync($"DROP TRIGGER {table}_no_delete");
        }

        foreach ((_, _, CertificateAnswer certificate, Func<CertificateAnswer, Task> tamper) in cases)
        {
            await tamper(certificate);
        }

        ILookup<string, string> found = (await ReauditAsync(stage)).ToLookup(each => each.ObjectId, each => each.Kind);
        foreach ((string kind, string what, CertificateAnswer certificate, _) in cases)
        {
            string[] kinds = [.. found[$"{certificate.Issuer}/{certificate.Serial}"].Order(StringComparer.Ordinal)];
            Assert.True(kinds.Contains(kind), $"{what}: {kind} is expected, found is {string.Join(", ", kinds)}");
        }

        foreach (CertificateAnswer each in (CertificateAnswer[])[resumed, revokedFromHold, plainlyRevoked])
        {
            Assert.Empty(found[$"{each.Issuer}/{each.Serial}"]);
        }

        // It alarms, and tells those who may hear of it.
        HealthReport health = await stage.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            each => each.Name == ReauditHealth.Name, TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Degraded, health.Status);
        IReadOnlyList<ReauditAnswer> runs = await stage.Audit.GetAsync<IReadOnlyList<ReauditAnswer>>("/reaudits");
        Assert.Equal(2, runs.Count);
        Assert.Equal(1, runs[1].Findings);
        FindingPage page = await stage.Super.GetAsync<FindingPage>($"/reaudits/{runs[0].Id}/findings");
        Assert.Equal(runs[0].Findings, page.Findings.Count);
        RefusalException operatorRefused = await Assert.ThrowsAsync<RefusalException>(() => stage.Entry.GetAsync<IReadOnlyList<ReauditAnswer>>("/reaudits"));
        Assert.Equal(Refusal.NotAllowed, operatorRefused.Kind);
        RefusalException raRefused = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.GetAsync<IReadOnlyList<ReauditAnswer>>("/reaudits"));
        Assert.Equal(Refusal.NotAllowed, raRefused.Kind);
        RefusalException unknown = await Assert.ThrowsAsync<RefusalException>(() => stage.Audit.GetAsync<FindingPage>($"/reaudits/{new string('0', 32)}/findings"));
        Assert.Equal(Refusal.NotFound, unknown.Kind);
    }

    /// <summary>The log takes in what is in the table of events, whoever put it there: it is held against what officers signed.</summary>
    [Fact]
    public async Task AHoldThatSomebodyEndsWithAnEventOfHisOwn_IsFound()
    {
        await using CaStage stage = await StartAsync();
        CertificateAnswer[] issued = [(await stage.IssueAsync()).Answer, (await stage.IssueAsync()).Answer, (await stage.IssueAsync()).Answer];
        CertificateReference[] list = [.. issued.Select(each => new CertificateReference(Convert.FromHexString(each.Issuer), SerialNumber.Parse(each.Serial)))];
        CommandAnswer hold = await stage.CommandAsync(
            CertificateActions.Bulk,
            RegionCode.Nation.Value,
            Der.Encode(new BulkStatusBody(DecisionKind.Suspend, RevocationReason.CertificateHold, new CertificateSelection.Certificates(list))));
        while ((await stage.Audit.GetAsync<BulkChangeAnswer>($"/bulk-changes/{hold.Id}")).EndedAt is null)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Equal(["approvals"], (await ReauditAsync(stage)).Select(each => each.Kind));

        // One by an event that names nobody, one by one that names the command of something else.
        await EndAsync(issued[0]);
        await EndAsync(issued[1], new AuditField.Octets("command", Convert.FromHexString(hold.Id)));
        IReadOnlyList<FindingRow> found = await ReauditAsync(stage);
        Assert.Equal(
            issued[..2].Select(each => ("status", $"{each.Issuer}/{each.Serial}")).Order(), found.Where(each => each.Kind != "approvals").Select(each => (each.Kind, each.ObjectId)).Order());

        Task EndAsync(CertificateAnswer certificate, params AuditField[] fields) => stage.Database.WriteAsync(async transaction =>
        {
            await transaction.ExecuteAsync("UPDATE certificate SET state = 2, state_version = state_version + 1 WHERE serial = @Serial", new { certificate.Serial });
            await transaction.ExecuteAsync("DELETE FROM revocation WHERE serial = @Serial", new { certificate.Serial });
            await new AuditLog(TimeProvider.System).AppendAsync(
                transaction,
                new AuditEvent(CaStage.Actor, CertificateStatus.ResumeAction, new AuditObject("certificate", $"{certificate.Issuer}/{certificate.Serial}"), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Text(CertificateStatus.ReasonField, "removeFromCRL"), new AuditField.Number(CertificateStatus.VersionField, 5), .. fields],
                });
        });
    }

    /// <summary>Nobody here decided about what a ceremony issued: its import is all that there is, and has to be there.</summary>
    [Fact]
    public async Task WhatACeremonyIssued_IsNoFinding_AlsoOnceItIsRevoked_UnlessItsImportIsMissing()
    {
        await using CaStage stage = await StartAsync();
        var import = ActivatorUtilities.CreateInstance<ImportCeremony>(stage.App.Services);
        Authority operations = stage.Authorities.Operations;
        byte[] profile = ProfileCatalogue.Shipped["officer"].Hash.ToArray();
        StageOfficer notInOffice = await stage.CertifyAsync(RoleCatalogue.Auditor, CaStage.County);
        Assert.True((await import.ImportAsync(operations, stage.Super.Certificate, "officer", profile, TestContext.Current.CancellationToken)).IsNew);
        Assert.True((await import.ImportAsync(operations, notInOffice.Certificate, "officer", profile, TestContext.Current.CancellationToken)).IsNew);
        Assert.False((await import.ImportAsync(operations, stage.Super.Certificate, "officer", profile, TestContext.Current.CancellationToken)).IsNew);
        byte[] revocation = Der.Encode(new StatusBody(new CertificateReference(stage.Operations.KeyIdentifier, notInOffice.SerialNumber), RevocationReason.Superseded));
        await stage.CommandAsync(CertificateActions.Revoke, RegionCode.Nation.Value, revocation);

        // And an officer of here, certified by a command, disabled by one alone.
        (CommandAnswer ordered, Sm2PrivateKey key) = await stage.OrderOfficerAsync(new OfficerIdentity(await stage.PersonAsync(), OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.County));
        using Sm2PrivateKey owned = key;
        await stage.CommandAsync(OfficerActions.Create, CaStage.County, ordered.Order!.Certificate!.Certificate!);
        var serial = SerialNumber.Parse(ordered.Order.Certificate.Serial);
        await stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(OfficerActions.Disable, CaStage.County, Der.Encode(new OfficerChange(serial, "调离岗位"))));

        Assert.Equal(["approvals"], (await ReauditAsync(stage)).Select(each => each.Kind));

        await stage.RawAsync("DROP TRIGGER audit_search_no_delete");
        Assert.Equal(1, await stage.RawAsync(
            "DELETE FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.import'", new { Serial = stage.Super.SerialNumber.ToString() }));
        Assert.Contains(
            await ReauditAsync(stage), each => each.Kind == "decision" && each.ObjectId.EndsWith($"/{stage.Super.SerialNumber}", StringComparison.Ordinal));

        // Nor is one missed that goes altogether.
        await WithoutKeysAsync(stage, "DELETE FROM certificate WHERE serial = @Serial", new { Serial = stage.Super.SerialNumber.ToString() });
        Assert.Contains(
            await ReauditAsync(stage), each => each.Kind == "missing" && each.ObjectId.EndsWith($"/{stage.Super.SerialNumber}", StringComparison.Ordinal));
    }

    /// <summary>What the log has not taken in yet is no finding, and is looked at again.</summary>
    [Fact]
    public async Task WhatTheLogIsBehindWith_IsLeftToTheNextRun()
    {
        await using CaStage stage = await StartAsync();
        (CertificateAnswer changed, _, _) = await stage.IssueAsync();
        (CertificateAnswer tampered, _, _) = await stage.IssueAsync();
        Assert.Equal(["approvals"], (await ReauditAsync(stage)).Select(each => each.Kind));
        ReauditCertificates reaudit = stage.App.Services.GetRequiredService<ReauditCertificates>();
        reaudit.Patience = TimeSpan.FromSeconds(1);

        // Another node has the lease of the sequencer, and does nothing.
        string holder = (await stage.Database.FindAsync<string>("SELECT holder FROM lease WHERE name = 'log-sequencer'", cancellationToken: TestContext.Current.CancellationToken))!;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await HoldAsync();
        Task holding = KeepAsync();
        await stage.ChangeAsync(changed, DecisionKind.Suspend);
        await stage.RawAsync("UPDATE certificate SET not_after = not_after + 1000 WHERE serial = @Serial", new { tampered.Serial });
        Assert.Equal(
            [("bytes", tampered.Serial)],
            (await ReauditAsync(stage)).Where(each => each.Kind != "approvals").Select(each => (each.Kind, each.ObjectId.Split('/')[1])));
        Assert.Contains("left to the next run", stage.Logged, StringComparison.Ordinal);

        await stage.RawAsync("UPDATE revocation SET revoked_at = 1 WHERE serial = @Serial", new { changed.Serial });
        await over.CancelAsync();
        await holding;
        await stage.RawAsync("UPDATE lease SET holder = @Holder WHERE name = 'log-sequencer'", new { Holder = holder });
        Assert.Contains(await ReauditAsync(stage), each => each.Kind == "status" && each.ObjectId.EndsWith(changed.Serial, StringComparison.Ordinal));

        // It renews it, as it would.
        Task HoldAsync() => stage.RawAsync(
            "UPDATE lease SET holder = 'x', held_until = @Until WHERE name = 'log-sequencer'",
            new { Until = DateTimeOffset.UtcNow + (1.5 * stage.App.Services.GetRequiredService<LogOptions>().LeaseDuration) });

        async Task KeepAsync()
        {
            while (!over.IsCancellationRequested)
            {
                await HoldAsync();
                await Task.Delay(TimeSpan.FromSeconds(1), over.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }

    /// <summary>What decides about certificates to come.</summary>
    [Fact]
    public async Task ARegisterThatIsNotAsOfficersSignedIt_IsFound()
    {
        await using CaStage stage = await StartAsync();
        foreach (string name in (string[])["ra-1", "ra-2", "ra-3", "ra-4", "ra-5", "ra-6"])
        {
            await stage.CommandAsync(RaActions.Register, CaStage.Province, Der.Encode(stage.Ra(name, CaStage.Province, "tls-server")));
        }

        // A life of commands, untouched.
        await stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(RaActions.Disable, CaStage.Province, Der.Encode(new RaSwitch("ra-1", "整改"))));
        await stage.CommandAsync(RaActions.Enable, CaStage.Province, Der.Encode(new RaSwitch("ra-1", "整改完成")));
        await stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(RaActions.Disable, CaStage.Province, Der.Encode(new RaSwitch("ra-2", "停业"))));
        await stage.IssueAsync();
        Assert.Equal(["approvals"], (await ReauditAsync(stage)).Select(each => each.Kind));

        await stage.RawAsync("UPDATE registration_authority SET enabled = 1 WHERE ra_name = 'ra-2'");
        await stage.RawAsync("UPDATE registration_authority SET quota = quota + 1 WHERE ra_name = 'ra-3'");
        await stage.RawAsync("INSERT INTO ra_scope (ra_name, profile, authority_id) SELECT 'ra-4', 'person-signing', authority_id FROM ra_scope WHERE ra_name = 'ra-4'");
        await stage.RawAsync("UPDATE registration_authority SET entity = 'x' WHERE ra_name = 'ra-5'");
        await WithoutKeysAsync(stage, "DELETE FROM registration_authority WHERE ra_name = 'ra-6'", new { });
        await stage.RawAsync("UPDATE registration_authority SET issued = issued - 1 WHERE ra_name = @Name", new { stage.Ra.Name });
        await stage.RawAsync(
            "INSERT INTO registration_authority (ra_name, entity, region, enabled, quota, issued, registered_at, changed_at) VALUES ('ra-7', 'y', @Region, 1, 9, 0, 1, 1)",
            new { Region = CaStage.Province });
        await stage.RawAsync("UPDATE region SET name = '台湾省' WHERE code = @Code", new { Code = CaStage.City });
        await stage.RawAsync("INSERT INTO active_profile (name, profile_hash, activated_at) SELECT name, profile_hash, 1 FROM profile_version WHERE name = 'sub-ca'");

        Assert.Equal(
            ["profile profile/sub-ca", "ra ra/ra-2", "ra ra/ra-3", "ra ra/ra-35", "ra ra/ra-4", "ra ra/ra-5", "ra ra/ra-6", "ra ra/ra-7", $"region region/{CaStage.City}"],
            (await ReauditAsync(stage)).Where(each => each.Kind is "profile" or "ra" or "region").Select(each => $"{each.Kind} {each.ObjectId}").Order(StringComparer.Ordinal));
    }

    /// <summary>Whoever hides the last command about a profile makes the one before it the last.</summary>
    [Theory]
    [InlineData("UPDATE officer_command SET state = 3 WHERE command_id = @Id")]
    [InlineData("UPDATE officer_command SET action = 'officer.create' WHERE command_id = @Id")]
    [InlineData("UPDATE officer_command SET application = (SELECT MIN(application) FROM officer_command) WHERE command_id = @Id")]
    [InlineData("DELETE FROM command_review WHERE command_id = @Id")]
    [InlineData("DELETE FROM officer_command WHERE command_id = @Id")]
    public async Task ACommandThatSomebodyHides_IsFound(string sql)
    {
        await using CaStage stage = await StartAsync();
        Profile profile = ProfileCatalogue.Shipped["tsa"];
        CommandAnswer retired = await stage.CommandAsync(ProfileActions.Retire, RegionCode.Nation.Value, Der.Encode(new ProfileReference(profile.Name, profile.Hash)));
        await stage.RawAsync("DROP TRIGGER command_review_no_delete");

        await WithoutKeysAsync(stage, sql, new { Id = Convert.FromHexString(retired.Id) });

        // A deleted one has its proposal missing, too.
        Assert.Equal([$"missing command/{retired.Id}"], (await ReauditAsync(stage)).Where(each => each.Kind != "approvals").Select(each => $"{each.Kind} {each.ObjectId}").Distinct());
    }

    /// <summary>Of what one officer orders alone there is no approval: what it came to is held against what was recorded once.</summary>
    [Fact]
    public async Task ACommandOfOneOfficer_ThatSomebodyHides_IsFound()
    {
        await using CaStage stage = await StartAsync();
        await stage.CommandAsync(RaActions.Register, CaStage.Province, Der.Encode(stage.Ra("ra-1", CaStage.Province, "tls-server")));
        CommandAnswer disabled = await stage.ProposeAsync(
            stage.FirstAdministrator, StageCommands.Command(RaActions.Disable, CaStage.Province, Der.Encode(new RaSwitch("ra-1", "整改"))));

        await stage.RawAsync("UPDATE officer_command SET state = 3 WHERE command_id = @Id", new { Id = Convert.FromHexString(disabled.Id) });
        await stage.RawAsync("UPDATE registration_authority SET enabled = 1 WHERE ra_name = 'ra-1'");

        Assert.Equal([$"missing command/{disabled.Id}"], (await ReauditAsync(stage)).Where(each => each.Kind != "approvals").Select(each => $"{each.Kind} {each.ObjectId}"));
    }

    /// <summary>A command is judged by who may give it, and how many.</summary>
    [Fact]
    public async Task ACommand_HoldsOnlyByThoseWhomItsActionAsksFor()
    {
        await using CaStage stage = await StartAsync();
        StageOfficer auditor = await stage.CertifyAsync(RoleCatalogue.Auditor, RegionCode.Nation.Value);
        StageOfficer clerk = await stage.CertifyAsync(RoleCatalogue.BusinessOperator, RegionCode.Nation.Value);
        (StageOfficer super, StageOfficer audit, StageOfficer first, StageOfficer second) = (stage.Super, stage.Audit, stage.FirstAdministrator, stage.SecondAdministrator);
        foreach ((bool holds, string action, StageOfficer proposer, StageOfficer? approver) in new[]
        {
            (true, ProfileActions.Activate, super, audit),
            (true, ProfileActions.Activate, first, second),
            (true, ProfileActions.Activate, first, super),
            (false, ProfileActions.Activate, audit, super),
            (false, ProfileActions.Activate, first, audit),
            (false, ProfileActions.Activate, super, auditor),
            (false, ProfileActions.Activate, clerk, second),
            (false, ProfileActions.Activate, first, clerk),
            (false, ProfileActions.Activate, first, first),
            (false, ProfileActions.Activate, first, null),
            (true, OrderActions.Order, audit, super),
            (false, CertificateActions.Revoke, first, null),
            (true, RaActions.Disable, first, null),
            (false, RaActions.Disable, audit, null),
            (false, RaActions.Enable, first, null),
            (false, "profile.invent", first, second),
        })
        {
            Application application = StageCommands.Command(action, RegionCode.Nation.Value, [0x05, 0x00]);
            Assert.True(holds == (Judge(application) is null), $"{action} by {proposer.Certificate.Tbs.Subject} and {approver?.Certificate.Tbs.Subject}: {Judge(application)}");
            Assert.NotNull(Judge(new Application(DecisionKind.Command, "另一CA", "另一CA", application.Region, application.EnrollmentId, application.Body)));

            string? Judge(Application what) => stage.App.Services.GetRequiredService<ApprovalCheck>().Judge(what, new CommandRow
            {
                Application = Der.Encode(what),
                Proposal = Der.Encode(stage.Sign(proposer, ApprovalStep.Entry, what)),
                ProposerPersonId = IdentityOf(proposer).Person.ToArray(),
                ProposedAt = DateTimeOffset.UtcNow,
                Review = approver is null ? null : Der.Encode(stage.Sign(approver, ApprovalStep.Review, what)),
                ApproverPersonId = approver is null ? null : IdentityOf(approver).Person.ToArray(),
                ReviewedAt = approver is null ? null : DateTimeOffset.UtcNow,
            });
        }

        static OfficerIdentity IdentityOf(StageOfficer officer) => officer.Certificate.Tbs.Extensions!.Find<OfficerIdentity>()!;
    }

    [Fact]
    public async Task ARunThatWasBrokenOff_GoesOnWhereItWas_AndOneOfTwoNodesMovesIt()
    {
        await using CaStage stage = await StartAsync();
        await stage.IssueAsync();
        await Task.Delay(RecoverAfter + TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        ReauditCertificates reaudit = stage.App.Services.GetRequiredService<ReauditCertificates>();
        ReauditRun start = await reaudit.StartAsync(TestContext.Current.CancellationToken);

        // After one page the node dies; another one that had read the same row comes too late.
        ReauditRun? first = await reaudit.StepAsync(start, TestContext.Current.CancellationToken);
        ReauditRun? late = await reaudit.StepAsync(start, TestContext.Current.CancellationToken);
        ReauditRun? ended = await reaudit.ResumeAsync(TestContext.Current.CancellationToken);

        Assert.NotNull(first);
        Assert.Null(late);
        Assert.Equal(start.RunId, ended!.RunId);
        Assert.Equal((2, 4, ReauditPhase.Ended), (ended.Certificates, ended.Events, ended.Phase));
        Assert.Equal(1, ended.Findings);
        Assert.Null(await reaudit.ResumeAsync(TestContext.Current.CancellationToken));
        Assert.Single(await stage.Database.ReadAsync(transaction => ReauditStore.ListFindingsAsync(transaction, start.RunId, new byte[16], 10), TestContext.Current.CancellationToken));
    }

    private static Task<CaStage> StartAsync() => CaStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = RecoverAfter.ToString() } });

    private static async Task<IReadOnlyList<FindingRow>> ReauditAsync(CaStage stage)
    {
        await Task.Delay(RecoverAfter + TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        ReauditRun? run = await stage.App.Services.GetRequiredService<ReauditCertificates>().RunAsync(TestContext.Current.CancellationToken);
        return await stage.Database.ReadAsync(
            transaction => ReauditStore.ListFindingsAsync(transaction, run!.RunId, new byte[16], 1000), TestContext.Current.CancellationToken);
    }

    /// <summary>What is found, what was done, and in what state the certificate was before.</summary>
    private static IEnumerable<(string Kind, string What, Func<CertificateAnswer, Task> Tamper, DecisionKind? Status)> Tamperings(CaStage stage)
    {
        const string other = "(SELECT MIN(certificate_id) FROM certificate WHERE ra_name = 'ra-35')";
        const string id = "(SELECT certificate_id FROM certificate WHERE serial = @Serial)";
        yield return Sql("signature", $"UPDATE certificate SET signature = (SELECT signature FROM certificate WHERE certificate_id = {other}) WHERE serial = @Serial");
        yield return Sql("bytes", $"UPDATE certificate SET tbs = (SELECT tbs FROM certificate WHERE certificate_id = {other}) WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET tbs = X'3000' WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET subject_hash = zeroblob(32) WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET key_hash = zeroblob(32) WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET not_before = not_before - 1000 WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET not_after = not_after + 1000 WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET not_before = 9223372036854775807 WHERE serial = @Serial");
        yield return Sql("bytes", "UPDATE certificate SET shard = 'x' WHERE serial = @Serial");
        yield return Sql("decision", "UPDATE certificate SET owner = 'ra-35/somebody' WHERE serial = @Serial");
        yield return Sql("decision", $"UPDATE certificate SET region = '{CaStage.County}' WHERE serial = @Serial");
        yield return Sql("decision", "UPDATE certificate SET ra_name = NULL WHERE serial = @Serial");
        yield return Sql("decision", "UPDATE certificate SET profile_hash = (SELECT profile_hash FROM profile_version WHERE name = 'link') WHERE serial = @Serial");
        yield return Sql("owner", "UPDATE subject_owner SET owner = 'x' WHERE subject_hash = (SELECT subject_hash FROM certificate WHERE serial = @Serial)");
        yield return Sql("owner", "DELETE FROM key_owner WHERE key_hash = (SELECT key_hash FROM certificate WHERE serial = @Serial)");
        yield return Sql("decision", $"UPDATE decision SET application = (SELECT application FROM decision WHERE certificate_id = {other}) WHERE certificate_id = {id}");
        yield return Sql("decision", $"UPDATE decision SET application_digest = zeroblob(32) WHERE certificate_id = {id}");
        yield return Sql("decision", $"UPDATE decision SET reference = 'x' WHERE certificate_id = {id}");
        yield return Sql("decision", $"DELETE FROM decision WHERE certificate_id = {id}");
        yield return Sql(
            "approvals",
            $"""
             UPDATE decision SET entry_hash = (SELECT entry_hash FROM decision WHERE certificate_id = {other}), entry_person = (SELECT entry_person FROM decision WHERE certificate_id = {other})
             WHERE certificate_id = {id}
             """);
        yield return Sql("decision", $"UPDATE certificate SET replaces = {other} WHERE serial = @Serial");
        yield return Sql("intention", $"UPDATE decision SET request_id = 'x' WHERE certificate_id = {id}");
        yield return Sql("intention", $"INSERT INTO signing_attempt (certificate_id, attempt, attempted_at) VALUES ({id}, 2, 1)");
        yield return Sql("approvals", $"UPDATE decision SET entry_hash = review_hash, entry_person = review_person, review_hash = entry_hash, review_person = entry_person WHERE certificate_id = {id}");
        yield return Sql("approvals", $"UPDATE decision SET decided_at = decided_at + 2678400000 WHERE certificate_id = {id}");
        yield return Sql("approvals", $"UPDATE approval SET approval = X'3000' WHERE approval_hash = (SELECT entry_hash FROM decision WHERE certificate_id = {id})");
        yield return Sql("intention", "DELETE FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.intend'");
        yield return Sql("issue", "DELETE FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.issue'");
        yield return Sql(
            "intention",
            """
            UPDATE audit_event SET leaf = (SELECT e.leaf FROM audit_event e JOIN audit_search s ON s.event_id = e.event_id WHERE s.object_id LIKE '%/' || @Serial AND s.action = 'certificate.issue')
            WHERE event_id = (SELECT event_id FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.intend')
            """);
        yield return Sql(
            "bytes", "UPDATE audit_event SET leaf = X'3000' WHERE event_id = (SELECT event_id FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.suspend')", DecisionKind.Suspend);
        yield return Sql("missing", $"DELETE FROM decision WHERE certificate_id = {id}; DELETE FROM certificate WHERE serial = @Serial");
        yield return Sql(
            "missing",
            $"""
             DELETE FROM decision WHERE certificate_id = {id}; DELETE FROM certificate WHERE serial = @Serial;
             DELETE FROM audit_search WHERE object_id LIKE '%/' || @Serial
             """);
        yield return Sql(
            "log",
            """
            DELETE FROM log_leaf WHERE event_id = (SELECT event_id FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.issue')
            """);
        yield return Sql("state", "UPDATE certificate SET state = 2 WHERE serial = @Serial; DELETE FROM revocation WHERE serial = @Serial", DecisionKind.Revoke);
        yield return Sql("state", "UPDATE certificate SET state = 3 WHERE serial = @Serial");
        yield return Sql("state", "UPDATE certificate SET state_version = state_version + 2 WHERE serial = @Serial");
        yield return Sql("state", "UPDATE certificate SET state = 5, tbs = NULL, signature = NULL WHERE serial = @Serial");
        yield return Sql("issue", "UPDATE certificate SET state = 1, signature = NULL WHERE serial = @Serial");
        yield return Sql("status", "DELETE FROM revocation WHERE serial = @Serial", DecisionKind.Revoke);
        yield return Sql("status", "UPDATE revocation SET reason = 1 WHERE serial = @Serial", DecisionKind.Revoke);
        yield return Sql("status", "UPDATE revocation SET revoked_at = revoked_at + 1000 WHERE serial = @Serial", DecisionKind.Suspend);
        yield return Sql("status", "UPDATE revocation SET not_after = 1 WHERE serial = @Serial", DecisionKind.Suspend);
        yield return Sql("status", "UPDATE revocation SET ra_name = NULL WHERE serial = @Serial", DecisionKind.Suspend);
        yield return Sql("status", "UPDATE revocation SET ra_name = 'ra-35' WHERE serial = @Serial", DecisionKind.Revoke);
        yield return Sql("status", "UPDATE revocation SET invalid_from = 1 WHERE serial = @Serial", DecisionKind.Revoke);
        yield return Sql("status", "UPDATE revocation SET shard = 'x' WHERE serial = @Serial", DecisionKind.Suspend);
        yield return Sql(
            "status", "INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after) SELECT authority_id, shard, serial, 1, 1, not_after FROM certificate WHERE serial = @Serial");
        yield return Sql("status", $"DELETE FROM status_decision WHERE certificate_id = {id}", DecisionKind.Revoke);
        yield return Sql("status", $"UPDATE status_decision SET enrollment_id = 'x' WHERE certificate_id = {id}", DecisionKind.Revoke);
        yield return Sql("approvals", $"UPDATE status_decision SET decided_at = decided_at + 2678400000 WHERE certificate_id = {id}", DecisionKind.Revoke);
        yield return Sql("status", "DELETE FROM audit_search WHERE object_id LIKE '%/' || @Serial AND action = 'certificate.revoke'", DecisionKind.Revoke);

        // By somebody who has the CA's key.
        yield return Signed("time", "dated back", tbs => With(tbs, validity: new Validity(new Time(tbs.Validity.NotBefore.Value.AddDays(-1)), tbs.Validity.NotAfter)));
        yield return Signed("time", "dated forward", tbs => With(tbs, validity: new Validity(new Time(tbs.Validity.NotBefore.Value.AddDays(1)), tbs.Validity.NotAfter)));
        yield return Signed("decision", "longer", tbs => With(tbs, validity: new Validity(tbs.Validity.NotBefore, new Time(tbs.Validity.NotAfter.Value.AddSeconds(-1)))));
        yield return Signed("rules", "without extensions", tbs => With(tbs, extensions: new ZwCa.Asn1.Pkix.Extensions([.. tbs.Extensions!.Skip(1)])));
        yield return Signed("decision", "another subject", tbs => With(tbs, subject: Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "www.other.gov.cn"))));
        yield return Signed("serial", "a short serial number", tbs => With(tbs, serial: SerialNumber.FromBytes([0x41, 2, 3, 4, 5, 6, 7, 8])));

        (string, string, Func<CertificateAnswer, Task>, DecisionKind?) Sql(string kind, string sql, DecisionKind? status = null) =>
            (kind, sql, certificate => WithoutKeysAsync(stage, sql, new { certificate.Serial }), status);

        (string, string, Func<CertificateAnswer, Task>, DecisionKind?) Signed(string kind, string what, Func<TbsCertificate, TbsCertificate> change) => (
            kind,
            what,
            async certificate =>
            {
                byte[] tbs = Der.Encode(change(Der.Decode<Certificate>(certificate.Certificate).Tbs));
                byte[] signature = await stage.Hierarchy.Signer("sub-ca", KeyAlgorithm.Sm2).SignAsync(tbs, TestContext.Current.CancellationToken);
                TbsCertificate read = Der.Decode<TbsCertificate>(tbs);
                await WithoutKeysAsync(
                    stage,
                    """
                    UPDATE certificate SET tbs = @Tbs, signature = @Signature, subject_hash = @Subject, not_before = @NotBefore, not_after = @NotAfter WHERE serial = @Serial
                    """,
                    new
                    {
                        Tbs = tbs,
                        Signature = signature,
                        Subject = Sm3.HashData(Der.Encode(read.Subject)),
                        NotBefore = read.Validity.NotBefore.Value,
                        NotAfter = read.Validity.NotAfter.Value,
                        certificate.Serial,
                    });
            },
            null);
    }

    private static TbsCertificate With(
        TbsCertificate tbs, SerialNumber? serial = null, Validity? validity = null, Name? subject = null, ZwCa.Asn1.Pkix.Extensions? extensions = null) => new(
            serial ?? tbs.SerialNumber, tbs.Signature, tbs.Issuer, validity ?? tbs.Validity, subject ?? tbs.Subject, tbs.SubjectPublicKeyInfo, extensions ?? tbs.Extensions!);

    /// <summary>Whoever writes to the file heeds no foreign keys.</summary>
    private static async Task WithoutKeysAsync(CaStage stage, string sql, object parameters)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection(stage.Database.ConnectionString.Replace("Mode=ReadOnly", "Mode=ReadWrite", StringComparison.OrdinalIgnoreCase)
            .Replace("Foreign Keys=True", "Foreign Keys=False", StringComparison.OrdinalIgnoreCase));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await Dapper.SqlMapper.ExecuteAsync(connection, sql, parameters));
    }
}
