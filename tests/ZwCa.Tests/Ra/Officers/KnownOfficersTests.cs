using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>Officers whom another service's directory has, in a database that has no ceremony and no commands.</summary>
public sealed class KnownOfficersTests
{
    private const string City = "350100";

    private static readonly AuditActor Ca = new(AuditActorKind.Service, "ca-1");

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AnOfficerIsPutIn_Confirmed_Recertified_AndTakenOut_EachOnce(DatabaseKind kind)
    {
        await using OfficerStory story = await CreateAsync(kind);
        Clerk clerk = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City);
        KnownOfficer officer = Told(story, clerk);

        Assert.True(await PutAsync(story, officer));
        Assert.False(await PutAsync(story, officer));
        Assert.True(await IsPutAsync(story, officer));
        Officer found = await story.FindAsync(clerk);
        found.RequireStanding(story.Clock.GetUtcNow());
        Assert.Equal((OfficerKind.Operator, City), (found.Kind, found.Region.Value));
        Assert.True(found.Id.Span.SequenceEqual(officer.Id.Span));

        // Confirmed again.
        officer = officer with { CertifiedUntil = officer.CertifiedUntil.AddDays(100) };
        Assert.False(await IsPutAsync(story, officer));
        Assert.True(await PutAsync(story, officer));
        Assert.False(await PutAsync(story, officer));
        Assert.Equal(officer.CertifiedUntil, (await story.FindAsync(clerk)).CertifiedUntil);

        // Another certificate: the old one makes nobody an officer any more, and never comes back.
        Clerk next = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City, clerk.Person);
        KnownOfficer replaced = officer with { Certificate = Der.Encode(next.Certificate) };
        Assert.True(await PutAsync(story, replaced));
        Assert.False(await PutAsync(story, replaced));
        Assert.Null(await story.Directory.FindAsync(clerk.SerialNumber, Token));
        Assert.True((await story.FindAsync(next)).Enabled);
        Assert.Equal(Refusal.Duplicate, await RefusedAsync(story, officer));

        // Out, whatever his certificate is by then; and for good.
        KnownOfficer gone = replaced with { Enabled = false, Certificate = new byte[] { 5, 0 } };
        Assert.True(await PutAsync(story, gone));
        Assert.False(await PutAsync(story, gone));
        Assert.True(await IsPutAsync(story, gone));
        Assert.False((await story.FindAsync(next)).Enabled);
        Assert.Equal(Refusal.WrongState, await RefusedAsync(story, replaced));
        await story.RawAsync("UPDATE officer SET enabled = 1");
        Assert.False((await story.FindAsync(next)).Enabled);
        Assert.Equal(Refusal.WrongState, await RefusedAsync(story, replaced));
        Assert.False(await IsPutAsync(story, gone));

        Assert.Equal(
            [OfficerActions.Create, OfficerActions.Recertify, OfficerActions.ReplaceCertificate, OfficerActions.Disable],
            (await story.ActionsAsync(AuditOutcome.Done)).Where(action => action.StartsWith("officer.", StringComparison.Ordinal)));

        // He comes back as a new officer.
        Clerk again = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City, clerk.Person);
        await PutAsync(story, gone);
        Assert.True(await PutAsync(story, Told(story, again)));
        Assert.True((await story.FindAsync(again)).Enabled);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatDoesNotHold_IsRefused_AndLeavesNothing(DatabaseKind kind)
    {
        await using OfficerStory story = await CreateAsync(kind);
        Clerk known = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City);
        KnownOfficer officer = Told(story, known);
        await PutAsync(story, officer);

        // The highest two come out of a ceremony, and never by anybody's word.
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, Told(story, story.Super)));
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, Told(story, story.Audit)));
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, Told(story, await story.NewClerkAsync("没有的角色", City))));
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.Auditor, City, kind: OfficerKind.Operator))));

        // Certificates.
        var stranger = new HsmSigner(story.Hsm, await story.Hsm.GenerateKeyAsync(new KeyLabel("stranger"), HsmKeyKind.Sm2, Token));
        Assert.Equal(Refusal.BadSignature, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City, issuer: stranger))));
        Assert.Equal(Refusal.Malformed, await RefusedAsync(story, officer with { Id = Ulid.Create(story.Clock.GetUtcNow()), Certificate = new byte[] { 5, 0 } }));
        Assert.Equal(Refusal.Malformed, await RefusedAsync(story, officer with { Id = new byte[15] }));
        Clerk sameSerial = known with { Certificate = await story.CertifyAsync(known.Identity, known.Key, serial: known.SerialNumber) };
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, officer with { Certificate = Der.Encode(sameSerial.Certificate) }));

        // Persons, kinds and regions.
        Assert.Equal(Refusal.NotFound, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City, new byte[16]))));
        Assert.Equal(Refusal.NotFound, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "110000"))));
        Assert.Equal(Refusal.RolesNotDisjoint, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.Auditor, City, known.Person))));

        // Offices: one for a person at a time, and always the same.
        Assert.Equal(Refusal.Duplicate, await RefusedAsync(story, Told(story, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City, known.Person))));
        Assert.Equal(Refusal.Duplicate, await RefusedAsync(story, officer with { Id = Ulid.Create(story.Clock.GetUtcNow()) }));
        Clerk elsewhere = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350000", known.Person);
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, officer with { Certificate = Der.Encode(elsewhere.Certificate) }));
        Clerk another = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City);
        Assert.Equal(Refusal.NotAllowed, await RefusedAsync(story, officer with { Certificate = Der.Encode(another.Certificate) }));

        Assert.Equal(1, await story.Database.FindAsync<long>("SELECT COUNT(*) FROM officer", cancellationToken: Token));
        Assert.True(await IsPutAsync(story, officer));
        Assert.Equal(1, (await story.ActionsAsync(AuditOutcome.Done)).Count(action => action.StartsWith("officer.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task WhoWasNeverHere_AndIsNotInOffice_GetsNoRow()
    {
        await using OfficerStory story = await CreateAsync(DatabaseKind.Sqlite);
        KnownOfficer gone = Told(story, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, City)) with { Enabled = false };
        Assert.True(await IsPutAsync(story, gone));
        Assert.False(await PutAsync(story, gone));
        Assert.Empty(await story.Database.ReadAsync(KnownOfficers.ListEnabledAsync, Token));
        Assert.Equal(0, await story.Database.FindAsync<long>("SELECT COUNT(*) FROM officer", cancellationToken: Token));
    }

    /// <summary>As an RA has it: officers of another's registry are let in, and the province is known.</summary>
    private static async Task<OfficerStory> CreateAsync(DatabaseKind kind)
    {
        OfficerStory story = await OfficerStory.CreateAsync(kind, initialise: false);
        await story.RawAsync("INSERT INTO officer_origin (origin) VALUES (1)");
        await story.RawAsync("INSERT INTO region (code, level, parent, name) VALUES ('350000', 1, '000000', @Name)", new { Name = "福建省" });
        await story.RawAsync("INSERT INTO region (code, level, parent, name) VALUES ('350100', 2, '350000', @Name)", new { Name = "福州市" });
        return story;
    }

    private static KnownOfficer Told(OfficerStory story, Clerk clerk) => new()
    {
        Id = Ulid.Create(story.Clock.GetUtcNow()),
        Certificate = Der.Encode(clerk.Certificate),
        Enabled = true,
        CertifiedUntil = story.Clock.GetUtcNow().AddDays(365),
    };

    private static Task<bool> PutAsync(OfficerStory story, KnownOfficer officer) => story.Database.WriteAsync(
        transaction => new KnownOfficers(story.Log, story.Directory, story.Clock).PutAsync(transaction, officer, Ca), Token);

    private static Task<bool> IsPutAsync(OfficerStory story, KnownOfficer officer) => story.Database.ReadAsync(transaction => KnownOfficers.IsPutAsync(transaction, officer), Token);

    private static async Task<Refusal> RefusedAsync(OfficerStory story, KnownOfficer officer) =>
        (await Assert.ThrowsAsync<RefusalException>(() => PutAsync(story, officer))).Kind;
}
