using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Import;
using ZwCa.Ca.Links;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>Somebody can write into the database: no profile is in use by that, and no region is called otherwise.</summary>
public sealed class EvidenceTests
{
    private static readonly Profile Shipped = ProfileCatalogue.Shipped["link"];

    /// <summary>The same profile for ten times as long.</summary>
    private static readonly Profile Looser = Profile.Parse(Encoding.UTF8.GetBytes(Shipped.CanonicalJson.Replace("\"maximumDays\":90", "\"maximumDays\":900", StringComparison.Ordinal)));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AVersionThatSomebodyAdds_IsNotInUse_AlsoForLinks()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (X509Certificate2 old, RegisteredClient client, RenewLink renewal) = await DueAsync(stage);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await AddAsync(stage, Looser);

        // What was proven before does not help, nor does that nothing was.
        Assert.Equal(Shipped.Hash, (await ActiveAsync(stage)).Hash);
        await SetAsync(stage, Looser);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => renewal.RunAsync(old, client, StageCommands.Csr(key), Token));
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage, ActivatorUtilities.CreateInstance<ProfileStore>(stage.App.Services)));

        await SetAsync(stage, Shipped);
        Assert.NotEmpty(await renewal.RunAsync(old, client, StageCommands.Csr(key), Token));
    }

    [Fact]
    public async Task WhatOfficersSaidLast_Counts()
    {
        await using CaStage stage = await CaStage.StartAsync();
        string nation = RegionCode.Nation.Value;
        await AddAsync(stage, Looser);
        await stage.CommandAsync(ProfileActions.Activate, nation, Der.Encode(new ProfileReference(Looser.Name, Looser.Hash)));
        Assert.Equal(Looser.Hash, (await ActiveAsync(stage)).Hash);

        // Back to a version that was in use once.
        await SetAsync(stage, Shipped);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage));
        await SetAsync(stage, Looser);
        Assert.Equal(Looser.Hash, (await ActiveAsync(stage)).Hash);

        // One that they retired.
        await stage.CommandAsync(ProfileActions.Retire, nation, Der.Encode(new ProfileReference(Looser.Name, Looser.Hash)));
        await stage.RawAsync("INSERT INTO active_profile (name, profile_hash, activated_at) VALUES ('link', @Hash, 1)", new { Hash = Looser.Hash.ToArray() });
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage));
    }

    /// <summary>The command is there, with two signatures that hold: of two who have no say in it.</summary>
    [Fact]
    public async Task ACommandOfOtherOfficers_PutsNothingIntoUse()
    {
        await using CaStage stage = await CaStage.StartAsync();
        await AddAsync(stage, Looser);
        await InsertAsync(stage.Audit, stage.Super);
        await SetAsync(stage, Looser);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage));

        // The same rows, by the right two.
        await InsertAsync(stage.Super, stage.Audit);
        Assert.Equal(Looser.Hash, (await ActiveAsync(stage)).Hash);

        Task InsertAsync(StageOfficer proposer, StageOfficer approver) => AddCommandAsync(
            stage, proposer, approver, ProfileActions.Activate, RegionCode.Nation.Value, Der.Encode(new ProfileReference(Looser.Name, Looser.Hash)), TimeProvider.System);
    }

    /// <summary>Two who were disabled have their keys still. The rows' times are what they like; without an event, or with one that came after their end, whatever its time, nothing counts.</summary>
    [Fact]
    public async Task WhatOfficersSignAfterTheirEnd_OrdersNothing()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var places = stage.App.Services.GetRequiredService<Places>();
        var reaudit = stage.App.Services.GetRequiredService<ReauditCertificates>();
        await SequencedAsync(stage);
        DateTimeOffset start = DateTimeOffset.UtcNow;
        StageOfficer proposer = await stage.OfficerAsync(RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        StageOfficer approver = await stage.OfficerAsync(RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);

        // Rows alone, and the same with the events, of two in office.
        await ForgeAsync("610000", null);
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => OfAsync("610000"));
        await ForgeAsync("620000", TimeProvider.System);
        Assert.Equal("某某省", Assert.Single(await OfAsync("620000")).Text);

        // The log has events of more than a minute later than their end.
        DateTimeOffset end = start - TimeSpan.FromMinutes(2);
        foreach (StageOfficer officer in new[] { proposer, approver })
        {
            await stage.RawAsync("INSERT INTO ended_certificate (certificate_serial, ended_at) VALUES (@Serial, @End)", new { Serial = officer.SerialNumber.ToString(), End = end });
        }

        await ForgeAsync("630000", TimeProvider.System);
        await ForgeAsync("640000", new At(end - TimeSpan.FromMinutes(5)));
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => OfAsync("630000"));
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => OfAsync("640000"));
        await SequencedAsync(stage);
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => OfAsync("640000"));

        ReauditRun run = (await reaudit.RunAsync(Token))!;
        IReadOnlyList<FindingRow> found = await stage.Database.ReadAsync(transaction => ReauditStore.ListFindingsAsync(transaction, run.RunId, new byte[16], 1000), Token);
        Assert.Equal(4, found.Count(each => each.Kind == "missing" && each.ObjectId.StartsWith("command/", StringComparison.Ordinal)));

        Task<IReadOnlyList<SubjectText>> OfAsync(string code) => stage.Database.ReadAsync(transaction => places.OfAsync(transaction, code), Token);

        async Task ForgeAsync(string code, TimeProvider? time)
        {
            await AddCommandAsync(
                stage, proposer, approver, OfficerActions.RegisterRegion, code, Der.Encode(new RegionEntry(code, RegionCode.Nation.Value, "某某省")), time);
            await stage.RawAsync("INSERT INTO region (code, level, parent, name) VALUES (@Code, 1, '000000', '某某省')", new { Code = code });
        }
    }

    /// <param name="time">Of the events; null: none.</param>
    private static async Task AddCommandAsync(CaStage stage, StageOfficer proposer, StageOfficer approver, string action, string region, byte[] parameters, TimeProvider? time)
    {
        Application application = StageCommands.Command(action, region, parameters);
        byte[] proposal = Der.Encode(stage.Sign(proposer, ApprovalStep.Entry, application));
        byte[] review = Der.Encode(stage.Sign(approver, ApprovalStep.Review, application));
        var row = new
        {
            Id = Convert.FromHexString(application.EnrollmentId),
            Action = action,
            Application = Der.Encode(application),
            Proposal = proposal,
            Review = review,
            Proposer = PersonOf(proposer),
            Approver = PersonOf(approver),
            Serial = proposer.SerialNumber.ToString(),
            Now = DateTimeOffset.UtcNow,
        };
        await stage.RawAsync(
            """
            INSERT INTO officer_command (command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at)
            VALUES (@Id, @Action, 1, @Application, @Proposal, @Proposer, @Serial, @Now, @Now + 1)
            """,
            row);
        await stage.RawAsync(
            "INSERT INTO command_review (command_id, proposer_person_id, approver_person_id, approver_serial, review, reviewed_at) VALUES (@Id, @Proposer, @Approver, 'x', @Review, @Now)",
            row);
        if (time is not null)
        {
            await stage.RawAsync("INSERT INTO ended_command (command_id, state, ended_at) VALUES (@Id, 1, @Now)", row);
            await stage.Database.WriteAsync(
                async transaction =>
                {
                    await RecordAsync(transaction, "command.propose", proposer, proposal);
                    await RecordAsync(transaction, "command.approve", approver, review);
                },
                Token);
        }

        static byte[] PersonOf(StageOfficer officer) => officer.Certificate.Tbs.Extensions!.Find<OfficerIdentity>()!.Person.ToArray();

        Task RecordAsync(Transaction transaction, string what, StageOfficer officer, byte[] approval) => new AuditLog(time).AppendAsync(
            transaction,
            new AuditEvent(new AuditActor(AuditActorKind.Officer, officer.SerialNumber.ToString()), what, new AuditObject("command", application.EnrollmentId), AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("application", application.Digest), new AuditField.Octets("approval", Sm3.HashData(approval))],
            });
    }

    /// <summary>A clock that stands.</summary>
    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    /// <summary>A decision about a link's follower is a row that nobody signed: its profile has to be one that was in use.</summary>
    [Fact]
    public async Task ALinksFollower_IsSigned_OnlyByAVersionThatWasInUse()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (X509Certificate2 old, RegisteredClient client, RenewLink renewal) = await DueAsync(stage);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.");
        await Assert.ThrowsAsync<HsmException>(() => renewal.RunAsync(old, client, StageCommands.Csr(key), Token));
        stage.Hsm.Fault = signatures => signatures;

        await AddAsync(stage, Looser);
        await stage.RawAsync("DROP TRIGGER decision_no_update");
        CertificateBody body = Der.Decode<CertificateBody>((await stage.Database.FindAsync<byte[]>("SELECT application FROM decision WHERE kind = 0", cancellationToken: Token))!);
        byte[] forged = Der.Encode(body with { ProfileHash = Looser.Hash });
        await stage.RawAsync("UPDATE decision SET application = @Forged, application_digest = @Digest WHERE kind = 0", new { Forged = forged, Digest = Sm3.HashData(forged) });
        await stage.RawAsync("UPDATE certificate SET profile_hash = @Hash WHERE state = 1", new { Hash = Looser.Hash.ToArray() });

        await StageCommands.RefusedAsync(Refusal.WrongState, () => renewal.RunAsync(old, client, StageCommands.Csr(key), Token));
    }

    /// <summary>Where officers have said nothing about a profile, the ceremony has: by a certificate of the CA, and of the program's profiles, or the log's first word.</summary>
    [Fact]
    public async Task WithoutACommand_AProfileIsInUse_AsTheCeremonyUsedIt()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var import = ActivatorUtilities.CreateInstance<ImportCeremony>(stage.App.Services);
        StageOfficer another = await stage.CertifyAsync(RoleCatalogue.Auditor, CaStage.County);
        Profile earlier = Renamed("officer-1");
        Profile later = Renamed("officer-1", "\"maximumDays\":", "\"maximumDays\":1");
        await AddAsync(stage, earlier);
        await AddAsync(stage, later);

        // A row alone.
        await SetAsync(stage, earlier);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage, name: earlier.Name));
        await stage.RawAsync("DELETE FROM active_profile WHERE name = @Name", new { earlier.Name });

        // An import of a version that the program has no more, once the log has it.
        Assert.True((await import.ImportAsync(stage.Authorities.Operations, stage.Super.Certificate, earlier.Name, earlier.Hash.ToArray(), Token)).IsActivated);
        await SequencedAsync(stage);
        Assert.Equal(earlier.Hash, (await ActiveAsync(stage, name: earlier.Name)).Hash);

        // Whoever makes the same rows, and even the event, comes too late.
        await stage.RawAsync("DELETE FROM active_profile WHERE name = @Name", new { earlier.Name });
        Assert.True((await import.ImportAsync(stage.Authorities.Operations, another.Certificate, later.Name, later.Hash.ToArray(), Token)).IsActivated);
        await SequencedAsync(stage);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage, name: earlier.Name));

        // Of the program's profiles those by which the CA has certified; as if officers had never said anything.
        await stage.RawAsync("UPDATE officer_command SET state = 3 WHERE action = 'profile.activate'");
        Assert.Equal("ra-system", (await ActiveAsync(stage, name: "ra-system")).Name);

        // Nor does a row before it, which no CA has signed, hide that.
        Assert.Equal(1, await stage.RawAsync(
            $"""
             INSERT INTO certificate (
                 certificate_id, authority_id, serial, state, state_version, owner, region, profile_hash, shard, tbs, signature, subject_hash, key_hash, not_before, not_after, reserved_at, changed_at)
             SELECT @Id, authority_id, '7f', state, 1, owner, region, profile_hash, shard, tbs, @Signature, subject_hash, key_hash, not_before, not_after, 1, 1
             FROM certificate WHERE profile_hash = @Hash AND ra_name IS NULL ORDER BY certificate_id {stage.Database.Dialect.Limit(1)}
             """,
            new { Id = new byte[16], Signature = new byte[64], Hash = ProfileCatalogue.Shipped["ra-system"].Hash.ToArray() }));
        Assert.Equal("ra-system", (await ActiveAsync(stage, ActivatorUtilities.CreateInstance<ProfileStore>(stage.App.Services), "ra-system")).Name);
        await StageCommands.RefusedAsync(Refusal.UnknownProfile, () => ActiveAsync(stage, name: "tsa"));

        // What officers have retired, a ceremony does not bring back.
        await stage.RawAsync("UPDATE officer_command SET state = 1 WHERE action = 'profile.activate'");
        Profile officer = ProfileCatalogue.Shipped["officer"];
        await stage.CommandAsync(ProfileActions.Retire, RegionCode.Nation.Value, Der.Encode(new ProfileReference(officer.Name, officer.Hash)));
        StageOfficer third = await stage.CertifyAsync(RoleCatalogue.Auditor, CaStage.County);
        Assert.Equal((true, false), await import.ImportAsync(stage.Authorities.Operations, third.Certificate, officer.Name, officer.Hash.ToArray(), Token));
    }

    [Theory]
    [InlineData(CaStage.Province)]
    [InlineData(CaStage.City)]
    public async Task APlaceThatSomebodyRenames_GoesIntoNoSubject(string code)
    {
        await using CaStage stage = await CaStage.StartAsync();
        await stage.IssueAsync();
        string name = (await stage.Database.FindAsync<string>("SELECT name FROM region WHERE code = @Code", new { Code = code }, Token))!;

        await stage.RawAsync("UPDATE region SET name = '某某省' WHERE code = @Code", new { Code = code });
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => stage.IssueAsync());
        await StageCommands.RefusedAsync(
            Refusal.OutOfScope,
            () => stage.Database.ReadAsync(transaction => ActivatorUtilities.CreateInstance<Places>(stage.App.Services).OfAsync(transaction, CaStage.County), Token));

        await stage.RawAsync("UPDATE region SET name = @Name WHERE code = @Code", new { Name = name, Code = code });
        await stage.IssueAsync();
    }

    private static Profile Renamed(string name, string from = "", string to = "")
    {
        string json = ProfileCatalogue.Shipped["officer"].CanonicalJson.Replace("\"name\":\"officer\"", $"\"name\":\"{name}\"", StringComparison.Ordinal);
        return Profile.Parse(Encoding.UTF8.GetBytes(from.Length == 0 ? json : json.Replace(from, to, StringComparison.Ordinal)));
    }

    private static Task AddAsync(CaStage stage, Profile profile) => stage.RawAsync(
        "INSERT INTO profile_version (profile_hash, name, definition, added_at) VALUES (@Hash, @Name, @Definition, 1)",
        new { Hash = profile.Hash.ToArray(), profile.Name, Definition = Encoding.UTF8.GetBytes(profile.CanonicalJson) });

    private static async Task SetAsync(CaStage stage, Profile profile)
    {
        await stage.RawAsync("DELETE FROM active_profile WHERE name = @Name", new { profile.Name });
        await stage.RawAsync("INSERT INTO active_profile (name, profile_hash, activated_at) VALUES (@Name, @Hash, 1)", new { profile.Name, Hash = profile.Hash.ToArray() });
    }

    private static Task<Profile> ActiveAsync(CaStage stage, ProfileStore? store = null, string name = "link") => stage.Database.ReadAsync(
        transaction => (store ?? stage.App.Services.GetRequiredService<ProfileStore>()).GetActiveAsync(transaction, name), Token);

    private static async Task SequencedAsync(CaStage stage)
    {
        while (await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token) > 0)
        {
            await Task.Delay(50, Token);
        }
    }

    /// <summary>A link that may be renewed.</summary>
    private static async Task<(X509Certificate2 Old, RegisteredClient Client, RenewLink Renewal)> DueAsync(CaStage stage)
    {
        X509Certificate2 old = await stage.IssueLinkAsync("ocsp-1", DateTimeOffset.UtcNow.AddDays(-61));
        ClientStore clients = stage.App.Services.GetRequiredService<ClientStore>();
        await clients.RegisterAsync(CaStage.Actor, old, "ocsp-1", ClientKind.Ocsp, Token);
        return (old, (await clients.FindAsync(ClientStore.ThumbprintOf(old), Token))!, stage.App.Services.GetRequiredService<RenewLink>());
    }
}
