using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Issuing;

/// <summary>For every shipped profile: the golden request with one thing wrong.</summary>
public class RefusedRequestTests
{
    /// <summary>Nothing is signed here, so all may share it.</summary>
    private static readonly Lazy<Task<SampleHierarchy>> Hierarchy = new(SampleHierarchy.CreateAsync);

    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["a key of a kind that the profile does not take"] = new(
            _ => true, r => r with { SubjectPublicKeyInfo = OtherKindOfKey(r.Profile) }, Refusal.BadPublicKey),
        ["an RSA key that is too short"] = new(
            TakesRsa, r => r with { SubjectPublicKeyInfo = Rsa((Bits(r.Profile).Minimum ?? 2048) - 8) }, Refusal.BadPublicKey),
        ["an RSA key that is too long"] = new(
            TakesRsa, r => r with { SubjectPublicKeyInfo = Rsa((Bits(r.Profile).Maximum ?? 4096) + 8) }, Refusal.BadPublicKey),
        ["one second too long"] = new(
            _ => true, r => r with { NotAfter = r.NotAfter.AddSeconds(1) }, Refusal.ValidityTooLong),
        ["dated back by a second more than allowed"] = new(
            _ => true, r => r with { NotBefore = r.IntendedAt.AddSeconds(-r.Profile.Options.Validity.BackdateSeconds - 1), NotAfter = r.IntendedAt.AddDays(1) }, Refusal.ValidityTooLong),
        ["ended when it begins"] = new(_ => true, r => r with { NotAfter = r.NotBefore }, Refusal.Malformed),
        ["ended before the decision"] = new(_ => true, r => r with { NotBefore = r.IntendedAt.AddSeconds(-60), NotAfter = r.IntendedAt.AddSeconds(-1) }, Refusal.Malformed),
        ["before the calendar of certificates"] = new(_ => true, r => r with { NotBefore = DateTimeOffset.MinValue }, Refusal.ValidityTooLong),
        ["no end"] = new(_ => true, r => r with { NotAfter = DateTimeOffset.MaxValue }, Refusal.ValidityTooLong),
        ["no subject"] = new(p => p.Attributes.Count > 0, r => r with { Subject = [] }, Refusal.SubjectNotAllowed),
        ["no place"] = new(p => Place(p).Any(each => each.Options.Minimum > 0), r => r with { Place = [] }, Refusal.SubjectNotAllowed),
        ["the place given by the applicant"] = new(
            p => Place(p).Any(), r => r with { Subject = [.. r.Subject, .. r.Place.Take(1)], Place = [.. r.Place.Skip(1)] }, Refusal.SubjectNotAllowed),
        ["another country"] = new(_ => true, r => r with { Subject = [.. r.Subject, new SubjectText(Oids.CountryName, "US")] }, Refusal.SubjectNotAllowed),
        ["an attribute that the profile lacks"] = new(_ => true, r => r with { Subject = [.. r.Subject, new SubjectText(Oids.Title, "局长")] }, Refusal.SubjectNotAllowed),
        ["an attribute that nobody knows"] = new(_ => true, r => r with { Subject = [.. r.Subject, new SubjectText("1.2.3.4", "x")] }, Refusal.SubjectNotAllowed),
        ["two common names"] = new(p => Has(p, Oids.CommonName), r => r with { Subject = [.. r.Subject, new SubjectText(Oids.CommonName, "李四")] }, Refusal.SubjectNotAllowed),
        ["five departments"] = new(
            p => Has(p, Oids.OrganizationalUnitName),
            r => r with { Subject = [.. r.Subject, .. Enumerable.Repeat(new SubjectText(Oids.OrganizationalUnitName, "科"), 4)] },
            Refusal.SubjectNotAllowed),
        ["a common name of 65 characters"] = new(p => Has(p, Oids.CommonName), r => Replace(r, Oids.CommonName, new string('长', 65)), Refusal.SubjectNotAllowed),
        ["an empty common name"] = new(p => Has(p, Oids.CommonName), r => Replace(r, Oids.CommonName, ""), Refusal.SubjectNotAllowed),
        ["an ID-card number as serialNumber"] = new(
            p => Has(p, Oids.SerialNumber), r => Replace(r, Oids.SerialNumber, SampleHierarchy.ResidentIdNumber), Refusal.SubjectNotAllowed),
        ["no serialNumber"] = new(
            p => Has(p, Oids.SerialNumber), r => r with { Subject = [.. r.Subject.Where(each => each.Type != Oids.SerialNumber)] }, Refusal.SubjectNotAllowed),
        ["an alternative name of a kind that the profile lacks"] = new(
            _ => true, r => r with { AlternativeNames = [new UniformResourceIdentifier("http://www.example.gov.cn/")] }, Refusal.SubjectNotAllowed),
        ["a directory name as alternative name"] = new(
            _ => true, r => r with { AlternativeNames = [new DirectoryName(SampleHierarchy.RootName)] }, Refusal.SubjectNotAllowed),
        ["no alternative name"] = new(p => p.Options.SubjectAltName?.Minimum > 0, r => r with { AlternativeNames = [] }, Refusal.SubjectNotAllowed),
        ["the same alternative name twice"] = new(
            p => p.Options.SubjectAltName is not null, r => r with { AlternativeNames = [r.AlternativeNames[0], r.AlternativeNames[0]] }, Refusal.SubjectNotAllowed),
        ["too many alternative names"] = new(
            p => p.Options.SubjectAltName is not null,
            r => r with { AlternativeNames = [.. Enumerable.Repeat(r.AlternativeNames[0], r.Profile.Options.SubjectAltName!.Maximum + 1)] },
            Refusal.SubjectNotAllowed),
        ["a number of a kind that the profile lacks"] = new(_ => true, r => Number(r, "driver", "1"), Refusal.SubjectNotAllowed),
        ["a resident id with a wrong check character"] = new(
            p => HasNumber(p, "residentId"), r => Number(r, "residentId", "110105194912310021"), Refusal.SubjectNotAllowed),
        ["a credit code with a wrong check character"] = new(
            p => HasNumber(p, "unifiedSocialCreditCode"), r => Number(r, "unifiedSocialCreditCode", "91350100M000100Y44"), Refusal.SubjectNotAllowed),
        ["two alternatives of one number"] = new(
            p => p.Options.Identities.Count > p.Options.Identities.DistinctBy(each => each.Oid).Count(),
            r => r with { Identities = r.Profile.Options.Identities.ToDictionary(each => each.Name, each => r.Identities.GetValueOrDefault(each.Name, "E1")) },
            Refusal.SubjectNotAllowed),
        ["a number in Chinese"] = new(p => p.Options.Identities.Count > 0, r => Number(r, r.Profile.Options.Identities[^1].Name, "一二三"), Refusal.SubjectNotAllowed),
        ["a number of 65 characters"] = new(p => p.Options.Identities.Count > 0, r => Number(r, r.Profile.Options.Identities[^1].Name, new string('1', 65)), Refusal.SubjectNotAllowed),
        ["an empty number"] = new(p => p.Options.Identities.Count > 0, r => Number(r, r.Profile.Options.Identities[^1].Name, ""), Refusal.SubjectNotAllowed),
        ["an officer's identity where none belongs"] = new(
            p => !p.Options.OfficerIdentity, r => r with { Officer = new OfficerIdentity(new byte[16], OfficerKind.Operator, "审核员", "320100") }, Refusal.SubjectNotAllowed),
        ["no officer's identity"] = new(p => p.Options.OfficerIdentity, r => r with { Officer = null }, Refusal.SubjectNotAllowed),
        ["the certificate of a CA where none belongs"] = new(
            p => p.Kind != ProfileKind.Cross, (r, h) => r with { Authority = h.OtherRoot, SubjectPublicKeyInfo = h.OtherRoot.Tbs.SubjectPublicKeyInfo }, null),
        ["no certificate of the other CA"] = new(p => p.Kind == ProfileKind.Cross, r => r with { Authority = null }, Refusal.Malformed),
        ["another key than the other CA's"] = new(
            p => p.Kind == ProfileKind.Cross, r => r with { SubjectPublicKeyInfo = SampleHierarchy.PublicKey("stranger", KeyAlgorithm.Sm2) }, Refusal.BadPublicKey),
        ["the issuer's own certificate to be crossed"] = new(
            p => p.Kind == ProfileKind.Cross,
            (r, h) => r with { Authority = h.Root.Certificate, SubjectPublicKeyInfo = h.Root.SubjectPublicKeyInfo },
            Refusal.BadPublicKey),
        ["another key than the root's own"] = new(
            p => p.Kind == ProfileKind.Root, r => r with { SubjectPublicKeyInfo = SampleHierarchy.PublicKey("stranger", r.Profile.Options.Keys[0].Algorithm) }, Refusal.BadPublicKey),
        ["another name than the root's own"] = new(p => p.Kind == ProfileKind.Root, r => Replace(r, Oids.CommonName, "示例根CA S9"), Refusal.SubjectNotAllowed),
        ["a demonstration's mark outside one"] = new(
            p => p.Kind == ProfileKind.Authority, r => Replace(r, Oids.CommonName, "演示 DEMO 签发CA"), Refusal.SubjectNotAllowed),
    };

    public static TheoryData<string, string> All
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (Profile profile in ProfileCatalogue.Shipped.All)
            {
                foreach ((string name, _) in Cases.Where(each => each.Value.Applies(profile)))
                {
                    rows.Add(profile.Name, name);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task OneThingWrong_IsRefused(string profile, string what)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        IssuanceRequest good = hierarchy.Request(profile);
        Case broken = Cases[what];

        RefusalException refusal = Assert.Throws<RefusalException>(() => hierarchy.Prepare(broken.Change(good, hierarchy)));

        Assert.Equal(broken.Refusal ?? (good.Profile.Kind == ProfileKind.Root ? Refusal.BadPublicKey : Refusal.Malformed), refusal.Kind);
        Assert.Matches("[\u4e00-\u9fff].*。$", refusal.Message);
        Assert.DoesNotContain(good.Subject, each => each.Text.Length > 2 && refusal.Message.Contains(each.Text, StringComparison.Ordinal));
    }

    public static TheoryData<string> EndEntities => [.. ProfileCatalogue.Shipped.All.Where(profile => !profile.IsAuthority).Select(profile => profile.Name)];

    public static TheoryData<string> NotRoots => [.. ProfileCatalogue.Shipped.All.Where(profile => profile.Kind != ProfileKind.Root).Select(profile => profile.Name)];

    [Theory]
    [MemberData(nameof(EndEntities))]
    public async Task TheOfflineRoot_IssuesNothingButCasAndOcspResponders(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        IssuanceRequest request = hierarchy.Request(profile);
        if (profile.StartsWith("ocsp-", StringComparison.Ordinal))
        {
            Assert.Equal(SampleHierarchy.RootName, hierarchy.Root.Prepare(request).Tbs.Issuer);
            return;
        }

        Assert.Equal(Refusal.OutOfScope, Assert.Throws<RefusalException>(() => hierarchy.Root.Prepare(request)).Kind);
    }

    [Theory]
    [MemberData(nameof(NotRoots))]
    public async Task ARootToBe_CertifiesItselfOnly(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Assert.Equal(Refusal.OutOfScope, Assert.Throws<RefusalException>(() => hierarchy.IssuerOf("root").Prepare(hierarchy.Request(profile))).Kind);
    }

    [Theory]
    [InlineData("root")]
    [InlineData("system-root")]
    public async Task ACaWithACertificate_IssuesNoRoot(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Assert.Equal(Refusal.OutOfScope, Assert.Throws<RefusalException>(() => hierarchy.Root.Prepare(hierarchy.Request(profile))).Kind);
    }

    [Theory]
    [InlineData("sub-ca")]
    [InlineData("cross")]
    public async Task AnIssuingCa_HasNoRoomInItsPathLengthForAnother(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        IssuanceRequest request = Replace(hierarchy.Request(profile), Oids.CommonName, "示例签发CA S2") with { NotAfter = SampleHierarchy.Now.AddDays(1) };
        Assert.Equal(Refusal.OutOfScope, Assert.Throws<RefusalException>(() => hierarchy.Sub.Prepare(request)).Kind);
    }

    [Theory]
    [MemberData(nameof(NotRoots))]
    public async Task BeyondTheIssuersOwnValidity_NothingIsIssued(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Validity own = hierarchy.IssuerOf(profile).Certificate!.Tbs.Validity;
        DateTimeOffset end = own.NotAfter.Value;
        IssuanceRequest request = hierarchy.Request(profile) with { NotBefore = end.AddDays(-1), IntendedAt = end.AddDays(-1), NotAfter = end };

        Assert.Equal(own.NotAfter, hierarchy.Prepare(request).Tbs.Validity.NotAfter);
        Assert.Equal(Refusal.ValidityTooLong, Assert.Throws<RefusalException>(() => hierarchy.Prepare(request with { NotAfter = end.AddSeconds(1) })).Kind);
        DateTimeOffset before = own.NotBefore.Value.AddSeconds(-1);
        Assert.Equal(
            Refusal.ValidityTooLong,
            Assert.Throws<RefusalException>(() => hierarchy.Prepare(request with { NotBefore = before, IntendedAt = before, NotAfter = before.AddDays(1) })).Kind);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("officer-link")]
    public async Task OneAlgorithmFromEndToEnd(string profile)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Assert.Equal(Refusal.BadPublicKey, Assert.Throws<RefusalException>(() => hierarchy.Sub.Prepare(hierarchy.Request(profile))).Kind);
    }

    [Theory]
    [InlineData("sub-ca", "示例根CA S1")]
    public async Task TheIssuersOwnName_IsNobodyElses(string profile, string name)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        Assert.Equal(
            Refusal.SubjectNotAllowed,
            Assert.Throws<RefusalException>(() => hierarchy.Prepare(Replace(hierarchy.Request(profile), Oids.CommonName, name))).Kind);
    }

    /// <summary>Texts that hide something, or are none.</summary>
    public static TheoryData<string> HostileTexts =>
    [
        "张三\u0000", "\u202e三张", "张\u2066三\u2069", "张\u200b三", "张\ud800三", "张\n三", " 张三", "张三 ", new string('张', 10_000), "\ufeff张三", "张\u0085三", "e\u0301",
    ];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public async Task AHostileName_IsRefusedAndNotRepeated(string text)
    {
        SampleHierarchy hierarchy = await Hierarchy.Value;
        IssuanceRequest request = hierarchy.Request("person-signing");
        foreach (string type in (string[])[Oids.CommonName, Oids.OrganizationName, Oids.SerialNumber])
        {
            RefusalException refusal = Assert.Throws<RefusalException>(() => hierarchy.Prepare(Replace(request, type, text)));
            Assert.Equal(Refusal.SubjectNotAllowed, refusal.Kind);
            Assert.DoesNotContain(text, refusal.Message, StringComparison.Ordinal);
        }

        IssuanceRequest place = request with { Place = [new SubjectText(Oids.StateOrProvinceName, text)] };
        Assert.Equal(Refusal.SubjectNotAllowed, Assert.Throws<RefusalException>(() => hierarchy.Prepare(place)).Kind);
    }

    private static IssuanceRequest Replace(IssuanceRequest request, string type, string text) =>
        request with { Subject = [.. request.Subject.Select(each => each.Type == type ? each with { Text = text } : each)] };

    private static IssuanceRequest Number(IssuanceRequest request, string name, string value) =>
        request with { Identities = new Dictionary<string, string>(request.Identities) { [name] = value } };

    private static bool Has(Profile profile, string type) =>
        profile.Attributes.Any(attribute => attribute.Type == type && attribute.Options.Source == AttributeSource.Request);

    private static bool HasNumber(Profile profile, string name) => profile.Options.Identities.Any(each => each.Name == name);

    private static IEnumerable<SubjectAttribute> Place(Profile profile) => profile.Attributes.Where(attribute => attribute.Options.Source == AttributeSource.Place);

    private static bool TakesRsa(Profile profile) => profile.Options.Keys.Any(key => key.Algorithm == KeyAlgorithm.Rsa) && profile.Kind is not (ProfileKind.Root or ProfileKind.Cross);

    private static (int? Minimum, int? Maximum) Bits(Profile profile)
    {
        KeyOptions rsa = profile.Options.Keys.Single(key => key.Algorithm == KeyAlgorithm.Rsa);
        return (rsa.MinimumBits, rsa.MaximumBits);
    }

    private static SubjectPublicKeyInfo OtherKindOfKey(Profile profile)
    {
        KeyAlgorithm other = profile.Options.Keys.Any(key => key.Algorithm == KeyAlgorithm.P256) ? KeyAlgorithm.Sm2 : KeyAlgorithm.P256;
        return SampleHierarchy.PublicKey("stranger", other);
    }

    /// <summary>Of the right form; nobody knows its factors.</summary>
    private static SubjectPublicKeyInfo Rsa(int bits)
    {
        byte[] modulus = new byte[bits / 8];
        new Random(bits).NextBytes(modulus);
        modulus[0] |= 0x80;
        modulus[^1] |= 1;
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(modulus);
            writer.WriteInteger(65537);
        }

        return new SubjectPublicKeyInfo(AlgorithmIdentifier.Rsa, writer.Encode());
    }

    /// <param name="Refusal">Null: depends on the kind of profile.</param>
    private sealed record Case(Func<Profile, bool> Applies, Func<IssuanceRequest, SampleHierarchy, IssuanceRequest> Change, Refusal? Refusal)
    {
        public Case(Func<Profile, bool> applies, Func<IssuanceRequest, IssuanceRequest> change, Refusal? refusal)
            : this(applies, (request, _) => change(request), refusal)
        {
        }
    }
}
