using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Issuance.Profiles;

/// <summary>Each shipped profile makes the very TBSCertificate of tests/testdata/profiles, and is the one that landed.</summary>
public class ShippedProfileTests
{
    public static TheoryData<string> Names => [.. ProfileCatalogue.Shipped.All.Select(profile => profile.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task TheGoldenRequest_GivesTheGoldenBytes(string name)
    {
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();

        PreparedCertificate prepared = hierarchy.Prepare(hierarchy.Request(name));

        Assert.Equal(Convert.ToHexStringLower(Fixtures.Read($"profiles/{name}.hex")), Convert.ToHexStringLower(prepared.TbsBytes.Span));
    }

    /// <summary>A profile that landed does not change: requests, approvals and certificates name its hash. Another content is another profile, with another name.</summary>
    [Fact]
    public void EveryHashIsTheOneThatLanded() => Assert.Equal(
        Fixtures.ReadLines("profiles/hashes.txt"),
        ProfileCatalogue.Shipped.All.Select(profile => $"{profile.Name} {Convert.ToHexStringLower(profile.Hash.Span)}"));

    [Theory]
    [InlineData("person")]
    [InlineData("organization")]
    [InlineData("device")]
    public void BothHalvesOfAPair_HaveTheSameRulesButForUsageAndKey(string holder)
    {
        foreach (string edition in (string[])["", "-2023"])
        {
            Profile signing = ProfileCatalogue.Shipped[$"{holder}-signing{edition}"], encryption = ProfileCatalogue.Shipped[$"{holder}-encryption{edition}"];
            Assert.Equal(signing.Options.Subject, encryption.Options.Subject);
            Assert.Equal(signing.Options.Identities, encryption.Options.Identities);
            Assert.Equal(signing.Options.Validity, encryption.Options.Validity);
            Assert.Equal(signing.Options.Policies, encryption.Options.Policies);
            Assert.Equal(signing.Options.CrlShards, encryption.Options.CrlShards);
            Assert.Equal(signing.Options.SubjectAltName?.Kinds, encryption.Options.SubjectAltName?.Kinds);
            Assert.Equal((PairHalf.Signing, PairHalf.Encryption), (signing.Half, encryption.Half));

            // GM/T 0015-2012 C.3 and C.4.
            Assert.Equal("030206c0", Convert.ToHexStringLower(Der.Encode(signing.KeyUsage)));
            Assert.Equal("03020338", Convert.ToHexStringLower(Der.Encode(encryption.KeyUsage)));
            Assert.True(signing.Options.KeyUsage.Critical && encryption.Options.KeyUsage.Critical);
        }
    }

    [Fact]
    public void The2023Variants_DifferInEditionTitleAndIdentitiesOnly()
    {
        foreach (Profile later in ProfileCatalogue.Shipped.All.Where(profile => profile.Name.EndsWith("-2023", StringComparison.Ordinal)))
        {
            ProfileOptions options = later.Options;
            Profile earlier = ProfileCatalogue.Shipped[later.Name[..^"-2023".Length]];
            Assert.Equal(("2012", "2023"), (earlier.Options.Edition, options.Edition));
            foreach ((string field, object? value) in Fields(options))
            {
                if (field is not (nameof(ProfileOptions.Name) or nameof(ProfileOptions.Title) or nameof(ProfileOptions.Edition) or nameof(ProfileOptions.Identities)))
                {
                    Assert.Equivalent(Fields(earlier.Options)[field], value, strict: true);
                }
            }
        }
    }

    [Fact]
    public void NoNumberOfAPerson_StandsInAName()
    {
        foreach (SubjectAttribute serial in ProfileCatalogue.Shipped.All.SelectMany(profile => profile.Attributes).Where(attribute => attribute.Type == Oids.SerialNumber))
        {
            Assert.Matches(serial.Pattern!, SampleHierarchy.EntityId);
            Assert.DoesNotMatch(serial.Pattern!, SampleHierarchy.ResidentIdNumber);
            Assert.DoesNotMatch(serial.Pattern!, SampleHierarchy.CreditCode);
        }
    }

    [Theory]
    [InlineData("link", 90)]
    [InlineData("officer-link", 90)]
    [InlineData("ocsp-node", 7)]
    [InlineData("ocsp-responder", 90)]
    public void WhatNobodyRevokesInTime_IsShort(string name, int days) => Assert.Equal(days, ProfileCatalogue.Shipped[name].Options.Validity.MaximumDays);

    [Fact]
    public void SubscribersAreInShards_AndEverybodyElseOnTheCompleteCrl()
    {
        foreach (Profile profile in ProfileCatalogue.Shipped.All)
        {
            bool isSubscribers = profile.Half != PairHalf.None || profile.Name == "tls-server";
            Assert.Equal(isSubscribers ? 32 : 1, profile.Options.CrlShards);
        }
    }

    /// <summary>1,000,000 certificates, all of them revoked, in 32 CRLs: each stays below 2 MB.</summary>
    [Fact]
    public void EvenWhenAMillionAreRevoked_AShardIsBelow2MB()
    {
        var entry = new RevokedCertificate(SerialNumbers.Create(), Time.Truncate(SampleHierarchy.Now), new Extensions(Extension.Create(new ReasonCode(RevocationReason.KeyCompromise), critical: false)));
        Assert.True(1_000_000 / 32 * Der.Encode(entry).Length < 2_000_000);
    }

    private static Dictionary<string, object?> Fields(ProfileOptions options) =>
        typeof(ProfileOptions).GetProperties().ToDictionary(property => property.Name, property => property.GetValue(options));
}
