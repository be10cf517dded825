using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;

namespace ZwCa.Tests.Officers;

/// <summary>trust.md §3: what makes an approval hold, and what makes two of them a decision.</summary>
public sealed class ApprovalVerifierTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EntryAndReviewByTwoPersons_AreADecision()
    {
        await using Case c = await Case.CreateAsync();

        var approved = ApprovedApplication.Create(c.Application, c.Verified(c.Entry, ApprovalStep.Entry), c.Verified(c.Review, ApprovalStep.Review));

        Assert.Equal(c.Application.Digest, approved.Digest.ToArray());
        Assert.Equal(c.Entry.SerialNumber, approved.Entry.Officer.SerialNumber);
        Assert.Equal(c.Review.SerialNumber, approved.Review.Officer.SerialNumber);
    }

    [Fact]
    public async Task OnePersonTwice_OneKeyTwice_OrOneStepTwice_IsNone()
    {
        await using Case c = await Case.CreateAsync();
        Clerk samePerson = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350100", c.Entry.Person);
        var sameKey = new Clerk(
            c.Entry.Key, await c.Story.CertifyAsync(new OfficerIdentity(new byte[16], OfficerKind.Operator, RoleCatalogue.BusinessOperator, "350100"), c.Entry.Key));
        VerifiedApproval entry = c.Verified(c.Entry, ApprovalStep.Entry);

        AssertRefused(Refusal.SecondOfficerRequired, () => ApprovedApplication.Create(c.Application, entry, c.Verified(samePerson, ApprovalStep.Review)));
        AssertRefused(Refusal.SecondOfficerRequired, () => ApprovedApplication.Create(c.Application, entry, c.Verified(sameKey, ApprovalStep.Review)));
        AssertRefused(Refusal.NotApproved, () => ApprovedApplication.Create(c.Application, entry, c.Verified(c.Review, ApprovalStep.Entry)));
        AssertRefused(Refusal.NotApproved, () => ApprovedApplication.Create(c.Application, c.Verified(c.Review, ApprovalStep.Review), entry));
        Application other = Case.NewApplication("350100", "2");
        AssertRefused(Refusal.NotApproved, () => ApprovedApplication.Create(other, entry, c.Verified(c.Review, ApprovalStep.Review)));
    }

    [Fact]
    public async Task AnApprovalOfManyApplications_CoversThoseAndNoOther()
    {
        await using Case c = await Case.CreateAsync();
        Application[] many = [.. Enumerable.Range(0, 100).Select(i => Case.NewApplication("350100", $"E{i}"))];
        Approval approval = ApprovalSigning.Sign(ApprovalSigning.Build(ApprovalStep.Review, many, c.Story.Clock.GetUtcNow()), c.Review.Key, c.Review.Certificate);

        Assert.All(many, each => c.Verifier.Verify(approval, each));
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(approval, Case.NewApplication("350100", "E100")));
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(approval, Case.NewApplication("350102", "E1")));
    }

    [Fact]
    public async Task AnApprovalHolds30Days_AndIsNotFromTheFuture()
    {
        await using Case c = await Case.CreateAsync();
        DateTimeOffset signed = c.Story.Clock.GetUtcNow();
        Approval approval = c.Story.Sign(c.Review, ApprovalStep.Review, c.Application);
        Approval early = c.Story.Sign(c.Review, ApprovalStep.Review, c.Application, signed + ApprovalVerifier.ClockSkew + Second);
        c.Verifier.Verify(c.Story.Sign(c.Review, ApprovalStep.Review, c.Application, signed + ApprovalVerifier.ClockSkew), c.Application);
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(early, c.Application));

        c.Story.Clock.Advance(ApprovalVerifier.MaxAge);
        c.Verifier.Verify(approval, c.Application);
        c.Story.Clock.Advance(Second);
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(approval, c.Application));
    }

    [Fact]
    public async Task ACertificate_HasToHoldAtTheTimeOfTheApproval()
    {
        await using Case c = await Case.CreateAsync();
        Clerk brief = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350100", validFor: TimeSpan.FromDays(1));
        Approval inTime = c.Story.Sign(brief, ApprovalStep.Review, c.Application);
        Approval before = c.Story.Sign(brief, ApprovalStep.Review, c.Application, c.Story.Clock.GetUtcNow().AddHours(-1));
        c.Story.Clock.Advance(TimeSpan.FromDays(2));

        c.Verifier.Verify(inTime, c.Application);
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(before, c.Application));
        AssertRefused(Refusal.NotApproved, () => c.Verifier.Verify(c.Story.Sign(brief, ApprovalStep.Review, c.Application), c.Application));
    }

    [Theory]
    [InlineData("000000", true)]
    [InlineData("350000", true)]
    [InlineData("350100", true)]
    [InlineData("350103", false)]
    [InlineData("350200", false)]
    [InlineData("440000", false)]
    public async Task TheOfficersRegion_CoversTheApplications(string region, bool covers)
    {
        await using Case c = await Case.CreateAsync();
        Clerk clerk = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, region);
        Application application = Case.NewApplication("350102", "1");
        Approval approval = c.Story.Sign(clerk, ApprovalStep.Review, application);

        if (covers)
        {
            c.Verifier.Verify(approval, application);
        }
        else
        {
            AssertRefused(Refusal.OutOfScope, () => c.Verifier.Verify(approval, application));
        }
    }

    /// <summary>An acceptance point takes in, and reviews nothing; of its own region neither.</summary>
    [Fact]
    public async Task ACounty_Enters_AndDoesNotReview()
    {
        await using Case c = await Case.CreateAsync();
        Clerk clerk = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350102");
        Application application = Case.NewApplication("350102", "1");
        c.Verifier.Verify(c.Story.Sign(clerk, ApprovalStep.Entry, application), application);
        AssertRefused(Refusal.NotAllowed, () => c.Verifier.Verify(c.Story.Sign(clerk, ApprovalStep.Review, application), application));
    }

    [Fact]
    public async Task WhoHasNotTheDuty_DecidesNothing()
    {
        await using Case c = await Case.CreateAsync();
        foreach (string role in new[] { RoleCatalogue.SuperAdministrator, RoleCatalogue.BusinessAdministrator, RoleCatalogue.AuditAdministrator, RoleCatalogue.Auditor, "站长" })
        {
            Clerk clerk = await c.Story.NewClerkAsync(role);
            AssertRefused(Refusal.NotAllowed, () => c.Verifier.Verify(c.Story.Sign(clerk, ApprovalStep.Review, c.Application), c.Application));
        }

        Clerk disguised = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, kind: OfficerKind.Auditor);
        AssertRefused(Refusal.NotAllowed, () => c.Verifier.Verify(c.Story.Sign(disguised, ApprovalStep.Review, c.Application), c.Application));

        // Roles are data: a deployment may part the duties.
        var parted = new RoleCatalogue(
        [
            .. RoleCatalogue.Standard.Roles.Where(role => role.Kind != OfficerKind.Operator && role.Name != RoleCatalogue.BusinessAdministrator),
            new Role(RoleCatalogue.BusinessAdministrator, OfficerKind.Administrator) { Creates = ["录入员", "审核员"] },
            new Role("录入员", OfficerKind.Operator) { Duties = [Duty.Entry] },
            new Role("审核员", OfficerKind.Operator) { Duties = [Duty.Review] },
        ]);
        var verifier = new ApprovalVerifier(c.Story.Issuers, parted, c.Story.Clock);
        Clerk reviewer = await c.Story.NewClerkAsync("审核员");
        verifier.Verify(c.Story.Sign(reviewer, ApprovalStep.Review, c.Application), c.Application);
        AssertRefused(Refusal.NotAllowed, () => verifier.Verify(c.Story.Sign(reviewer, ApprovalStep.Entry, c.Application), c.Application));
    }

    [Fact]
    public async Task AForgedApproval_IsRefused()
    {
        await using Case c = await Case.CreateAsync();
        HsmSigner stranger = new(c.Story.Hsm, await c.Story.Hsm.GenerateKeyAsync(new KeyLabel("stranger"), HsmKeyKind.Sm2, Token));
        Clerk unknown = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350100", issuer: stranger);
        Approval right = c.Story.Sign(c.Review, ApprovalStep.Review, c.Application);
        Approval byAnother = ApprovalSigning.Sign(right.Tbs, c.Entry.Key, c.Review.Certificate);
        Approval entry = c.Story.Sign(c.Review, ApprovalStep.Entry, c.Application);

        AssertRefused(Refusal.BadSignature, () => c.Verifier.Verify(c.Story.Sign(unknown, ApprovalStep.Review, c.Application), c.Application));
        AssertRefused(Refusal.BadSignature, () => c.Verifier.Verify(byAnother, c.Application));
        AssertRefused(Refusal.BadSignature, () => c.Verifier.Verify(Approval.Assemble(entry.TbsBytes, right.Signature, right.Certificate), c.Application));

        var notForSignatures = new Clerk(c.Review.Key, await c.Story.CertifyAsync(c.Review.Identity, c.Review.Key, usage: KeyUsage.Encryption));
        AssertRefused(Refusal.BadSignature, () => c.Verifier.Verify(c.Story.Sign(notForSignatures, ApprovalStep.Review, c.Application), c.Application));

        byte[] der = Der.Encode(c.Review.Certificate);
        der[^1] ^= 1;
        Assert.Contains(Assert.Throws<RefusalException>(() => c.Story.Issuers.Verify(der)).Kind, new[] { Refusal.BadSignature, Refusal.Malformed });
        AssertRefused(Refusal.Malformed, () => c.Story.Issuers.Verify((byte[])[5, 0]));
    }

    [Fact]
    public async Task ADevice_SignsApprovalsToo()
    {
        await using Case c = await Case.CreateAsync();
        HsmSigner signer = new(c.Story.Hsm, await c.Story.Hsm.GenerateKeyAsync(new KeyLabel("officer"), HsmKeyKind.Sm2, Token));
        HsmSigner wrong = new(c.Story.Hsm, await c.Story.Hsm.GenerateKeyAsync(new KeyLabel("officer-p256"), HsmKeyKind.P256, Token));
        TbsApproval tbs = ApprovalSigning.Build(ApprovalStep.Review, [c.Application], c.Story.Clock.GetUtcNow());

        Approval approval = await ApprovalSigning.SignAsync(tbs, signer, c.Review.Certificate, Token);

        Assert.True(signer.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key) && key.Verify(approval.TbsBytes.Span, approval.Signature.Raw.Span));
        await Assert.ThrowsAsync<ArgumentException>(() => ApprovalSigning.SignAsync(tbs, wrong, c.Review.Certificate, Token));
    }

    [Fact]
    public async Task WithoutADirectory_ACrlSaysWhoIsInOffice()
    {
        await using Case c = await Case.CreateAsync();
        DateTimeOffset now = c.Story.Clock.GetUtcNow();
        SignedApproval signed = c.Verifier.Verify(c.Story.Sign(c.Review, ApprovalStep.Review, c.Application), c.Application);
        HsmSigner stranger = new(c.Story.Hsm, await c.Story.Hsm.GenerateKeyAsync(new KeyLabel("stranger"), HsmKeyKind.Sm2, Token));
        Name issuer = c.Review.Certificate.Tbs.Issuer;
        async Task<byte[]> CrlAsync(DateTimeOffset thisUpdate, int number = 7, HsmSigner? by = null, SerialNumber? revoked = null, bool delta = false, Name? name = null)
        {
            List<Extension> extensions =
            [
                Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(c.Story.Issuer.SubjectPublicKeyInfo).KeyIdentifier), critical: false),
                Extension.Create(new CrlNumber(number), critical: false),
            ];
            if (delta)
            {
                extensions.Add(Extension.Create(new DeltaCrlIndicator(1), critical: true));
            }

            byte[] tbs = Der.Encode(new TbsCertList(
                AlgorithmIdentifier.Sm3WithSm2,
                name ?? issuer,
                Time.Truncate(thisUpdate),
                Time.Truncate(thisUpdate.AddDays(2)),
                revoked is null ? [] : [RevokedCertificate.Create(revoked, Time.Truncate(thisUpdate))],
                new ZwCa.Asn1.Pkix.Extensions(extensions)));
            return Der.Encode(CertificateList.Assemble(tbs, await (by ?? c.Story.Issuer).SignAsync(tbs, Token)));
        }

        OfficerCrl Verify(byte[] crl, int highest = 7) => OfficerCrl.Verify(crl, c.Story.Issuers, now, _ => highest);

        OfficerCrl fresh = Verify(await CrlAsync(now, revoked: c.Entry.SerialNumber));
        Assert.Equal(7, fresh.Number);
        Assert.Same(signed, signed.WithCrl(fresh).Signed);
        SignedApproval byRevoked = c.Verifier.Verify(c.Story.Sign(c.Entry, ApprovalStep.Entry, c.Application), c.Application);
        AssertRefused(Refusal.NotAllowed, () => byRevoked.WithCrl(fresh));

        byte[] dayOld = await CrlAsync(now - OfficerCrl.MaxAge - Second);
        byte[] future = await CrlAsync(now.AddMinutes(6));
        byte[] lower = await CrlAsync(now, number: 6);
        byte[] strange = await CrlAsync(now, by: stranger);
        byte[] delta = await CrlAsync(now, delta: true);
        OfficerCrl otherName = Verify(await CrlAsync(now, name: Name.Create((Oids.CommonName, "别的签发者"))));
        AssertRefused(Refusal.Expired, () => Verify(dayOld));
        AssertRefused(Refusal.Expired, () => Verify(future));
        AssertRefused(Refusal.Expired, () => Verify(lower));
        AssertRefused(Refusal.BadSignature, () => Verify(strange));
        AssertRefused(Refusal.Malformed, () => Verify(delta));
        AssertRefused(Refusal.Malformed, () => Verify([5, 0]));
        AssertRefused(Refusal.BadSignature, () => signed.WithCrl(otherName));

        // Each issuer counts for itself.
        ReadOnlyMemory<byte> asked = default;
        OfficerCrl.Verify(await CrlAsync(now), c.Story.Issuers, now, id =>
        {
            asked = id;
            return 7;
        });
        Assert.Equal(fresh.IssuerId.ToArray(), asked.ToArray());
        Assert.NotEqual(fresh.IssuerId.ToArray(), otherName.IssuerId.ToArray());

        // What has expired is on no list any more: an approval that is dated back does not count.
        Clerk brief = await c.Story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350100", validFor: TimeSpan.FromDays(1));
        SignedApproval datedBack = c.Verifier.Verify(c.Story.Sign(brief, ApprovalStep.Review, c.Application), c.Application);
        Assert.Same(datedBack, datedBack.WithCrl(fresh).Signed);
        now += TimeSpan.FromDays(1) + Second;
        OfficerCrl later = Verify(await CrlAsync(now));
        Assert.Same(signed, signed.WithCrl(later).Signed);
        AssertRefused(Refusal.NotAllowed, () => datedBack.WithCrl(later));
    }

    [Fact]
    public async Task ACertificateOfAnotherSort_MakesNoOfficer()
    {
        await using Case c = await Case.CreateAsync();
        OfficerIdentity identity = c.Review.Identity;
        var usage = Extension.Create(KeyUsage.Signing, critical: true);
        var office = Extension.Create(identity, critical: false);
        var strange = new Extension("1.2.3.4", true, new byte[] { 5, 0 });
        (string Sort, string Detail, IReadOnlyList<Extension> Extensions)[] wrongs =
        [
            ("a CA's", "CA证书", [usage, office, Extension.Create(BasicConstraints.Ca(), critical: true)]),
            ("one that signs certificates", "密钥用法", [Extension.Create(new KeyUsage(KeyUsages.DigitalSignature | KeyUsages.KeyCertSign), critical: true), office]),
            ("without key usage", "密钥用法", [office]),
            ("without an identity", "人员身份", [usage]),
            ("with a critical extension that nobody knows", "无法识别", [usage, office, strange]),
        ];
        foreach ((string sort, string detail, IReadOnlyList<Extension> extensions) in wrongs)
        {
            Certificate certificate = await c.Story.CertifyAsync(identity, c.Review.Key, extensions: extensions);
            RefusalException refused = Assert.Throws<RefusalException>(() => c.Story.Issuers.Verify(certificate));
            Assert.True(refused.Kind == Refusal.BadSignature && refused.Message.Contains(detail, StringComparison.Ordinal), $"{sort}: {refused.Message}");
        }

        // The same key in its other encoding would pass for a second one.
        byte[] point = c.Review.Key.PublicKey.ToBytes();
        byte[] compressed = [(byte)(2 + (point[^1] & 1)), .. point[1..33]];
        Assert.Equal(point, Sm2PublicKey.FromBytes(compressed).ToBytes());
        Certificate again = await c.Story.CertifyAsync(identity, c.Review.Key, publicKey: new SubjectPublicKeyInfo(AlgorithmIdentifier.Sm2Key, compressed));
        AssertRefused(Refusal.BadSignature, () => c.Story.Issuers.Verify(again));
        c.Story.Issuers.Verify(await c.Story.CertifyAsync(identity, c.Review.Key, extensions: [usage, office]));
    }

    [Fact]
    public void RolesThatBreakTheRules_AreNoCatalogue()
    {
        var super = new Role("超级", OfficerKind.Administrator) { IsTop = true };
        var audit = new Role("审计", OfficerKind.Auditor) { IsTop = true };
        var a = new Role("甲", OfficerKind.Administrator);
        Role[][] wrongs =
        [
            [super],
            [super, audit, super with { Name = "超级二" }],
            [super, audit, a, a],
            [super with { Creates = ["审计"] }, audit],
            [super with { Creates = ["审计员"] }, audit, new Role("审计员", OfficerKind.Auditor)],
            [super, audit with { Creates = ["甲"] }, a],
            [super with { Creates = ["没有"] }, audit],
            [super, audit, a with { Creates = ["甲"] }],
            [super, audit, a with { Creates = ["乙"] }, a with { Name = "乙", Creates = ["甲"] }],
            [super, audit, new Role("操作员", OfficerKind.Operator) { Creates = ["甲"] }, a],
            [super, audit, a with { Duties = [Duty.Review] }],
        ];

        Assert.All(wrongs, roles => Assert.Throws<ArgumentException>(() => new RoleCatalogue(roles)));
        Assert.Equal(2, new RoleCatalogue([super, audit]).Roles.Count);
        Assert.Throws<ArgumentException>(() => new OfficerIssuers([]));
    }

    private static void AssertRefused(Refusal expected, Action attempt)
    {
        RefusalException refused = Assert.Throws<RefusalException>(attempt);
        Assert.True(expected == refused.Kind, $"{refused.Kind}: {refused.Message}");
    }

    /// <summary>An application of a city, and two operators of it.</summary>
    private sealed record Case(OfficerStory Story, ApprovalVerifier Verifier, Application Application, Clerk Entry, Clerk Review) : IAsyncDisposable
    {
        public static async Task<Case> CreateAsync()
        {
            OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite, initialise: false);
            return new Case(
                story,
                new ApprovalVerifier(story.Issuers, RoleCatalogue.Standard, story.Clock),
                NewApplication("350100", "1"),
                await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350100"),
                await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350000"));
        }

        public static Application NewApplication(string region, string enrollmentId)
        {
            using var key = Sm2PrivateKey.Generate();
            var body = new RecoveryBody(new byte[20], SerialNumber.Parse("7f01"), SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
            return new Application(DecisionKind.Recovery, "政务CA 签发一", "福建RA", region, enrollmentId, Der.Encode(body));
        }

        public VerifiedApproval Verified(Clerk clerk, ApprovalStep step) => new(Verifier.Verify(Story.Sign(clerk, step, Application), Application));

        public ValueTask DisposeAsync() => Story.DisposeAsync();
    }
}
