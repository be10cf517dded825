using System.Numerics;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Crls;

public sealed class CrlIssuerTests
{
    private static readonly FullName Point = new(new UniformResourceIdentifier("http://pki.example.cn/crl/7.crl"));

    private static readonly CrlEntry[] Entries =
    [
        new(SerialNumber.Parse("40aa"), new Time(TestCa.Now.AddDays(-2)), RevocationReason.KeyCompromise, new Time(TestCa.Now.AddDays(-3))),
        new(SerialNumber.Parse("40ab"), new Time(TestCa.Now.AddDays(-1)), RevocationReason.CertificateHold),
        new(SerialNumber.Parse("0f"), new Time(TestCa.Now)),
    ];

    public static MatrixTheoryData<HsmKeyKind, CrlKind, bool> Kinds =>
        new([HsmKeyKind.Sm2, HsmKeyKind.P256, HsmKeyKind.Rsa2048], Enum.GetValues<CrlKind>(), [false, true]);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EveryKind_SaysWhatItIs_AndIsSigned(HsmKeyKind key, CrlKind kind, bool delta)
    {
        await using TestCa ca = await TestCa.CreateAsync(key);
        using var output = new MemoryStream();
        output.Write("before"u8);
        CrlRequest request = Request(kind) with { PreviousNumber = 6, BaseNumber = delta ? 5 : null, OnlyUserCertificates = kind == CrlKind.Partition };

        IssuedCrl issued = await CrlIssuer.IssueAsync(ca.Issuer, request, Entries, output, TestContext.Current.CancellationToken);

        Assert.Equal(output.Length, output.Position);
        Assert.Equal(output.Length - 6, issued.Length);
        CertificateList crl = Der.Decode<CertificateList>(output.ToArray().AsMemory(6));
        Assert.Equal(ca.Issuer.Name, crl.Tbs.Issuer);
        Assert.Equal(new Time(TestCa.Now), crl.Tbs.ThisUpdate);
        Assert.Equal(new Time(TestCa.Now.AddDays(1)), crl.Tbs.NextUpdate);
        Assert.Equal(
            Entries.Select(e => Der.Encode(RevokedCertificate.Create(e.UserCertificate, e.RevocationDate, e.Reason, e.InvalidityDate))),
            crl.Tbs.RevokedCertificates.Select(Der.Encode));
        Extensions extensions = crl.Tbs.CrlExtensions!;
        Assert.Equal(ca.Issuer.KeyIdentifier.ToArray(), extensions.Find<AuthorityKeyIdentifier>()!.KeyIdentifier!.Value.ToArray());
        Assert.Equal(7, extensions.Find<CrlNumber>()!.Number);
        Assert.Equal(delta ? (BigInteger?)5 : null, extensions.Find<DeltaCrlIndicator>()?.BaseCrlNumber);
        IssuingDistributionPoint? scope = extensions.Find<IssuingDistributionPoint>();
        Assert.Equal(kind != CrlKind.Complete, scope is not null);
        Assert.Equal(kind == CrlKind.Partition, scope?.DistributionPoint?.DerEquals(Point) == true);
        Assert.Equal(kind == CrlKind.Authorities, scope?.OnlyContainsCaCerts == true);
        Assert.Equal(kind == CrlKind.Partition, scope?.OnlyContainsUserCerts == true);
        Assert.True(crl.AlgorithmsAgree);
        Assert.True(TestCa.Verify(ca.Issuer.SubjectPublicKeyInfo, crl.TbsBytes.Span, crl.Signature));
        Assert.Empty(CrlLint.Check(output.ToArray().AsMemory(6), new CrlLintContext { Issuer = ca.Certificate, DistributionPoint = request.DistributionPoint }));
        Assert.Equal([1], ca.Hsm.Calls);
    }

    [Fact]
    public async Task WithoutEntries_TheListIsAbsent()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();

        await CrlIssuer.IssueAsync(ca.Issuer, Request(CrlKind.Authorities), [], output, TestContext.Current.CancellationToken);

        Assert.False(CrlView.Read(output.ToArray()).HasEntriesField);
    }

    [Fact]
    public async Task PlaceOfDeltas_IsInTheFullCrl()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();

        await CrlIssuer.IssueAsync(ca.Issuer, Request(CrlKind.Complete) with { Deltas = Point }, Entries, output, TestContext.Current.CancellationToken);

        Extensions extensions = Der.Decode<CertificateList>(output.ToArray()).Tbs.CrlExtensions!;
        Assert.True(Assert.Single(extensions.Find<FreshestCrl>()!.Points).Name!.DerEquals(Point));
    }

    /// <summary>The name in the partition is the one in the certificates on it, byte for byte, and no serial number falls beside all partitions.</summary>
    [Fact]
    public async Task APartition_HasTheNameThatItsCertificatesHave()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        Profile profile = Profile.Parse(Encoding.UTF8.GetBytes("""
            {
              "name": "sharded", "title": "分区", "edition": "2012",
              "subject": [{ "type": "CN" , "unique": true }],
              "keys": [{ "algorithm": "sm2" }],
              "validity": { "maximumDays": 365 },
              "keyUsage": { "usages": ["digitalSignature", "nonRepudiation"] },
              "crlDistributionPoints": ["{base}/crl/{ski}/{shard}.crl", "ldap://ldap.example.cn/{ski}/{shard}"],
              "crlShards": 3
            }
            """));
        var partitions = new Dictionary<string, DistributionPointName>();
        foreach (string shard in CrlDistribution.ShardsOf(profile))
        {
            using var output = new MemoryStream();
            CrlRequest request = CrlRequest.OfPartition(ca.Issuer, profile, shard, 1, TestCa.Now, TestCa.Now.AddDays(1));
            await CrlIssuer.IssueAsync(ca.Issuer, request, [], output, TestContext.Current.CancellationToken);
            IssuingDistributionPoint scope = Der.Decode<CertificateList>(output.ToArray()).Tbs.CrlExtensions!.Find<IssuingDistributionPoint>()!;
            Assert.True(scope.OnlyContainsUserCerts);
            partitions.Add(Convert.ToHexString(Der.Encode(scope.DistributionPoint!)), scope.DistributionPoint!);
        }

        Assert.Equal(3, partitions.Count);
        for (int i = 0; i < 30; i++)
        {
            Extensions extensions = ExtensionsBuilder.Build(ca.Issuer, new IssuanceRequest
            {
                Profile = profile,
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = ca.Issuer.SubjectPublicKeyInfo,
                NotBefore = TestCa.Now,
                NotAfter = TestCa.Now,
                IntendedAt = TestCa.Now,
            });
            Assert.Contains(Convert.ToHexString(Der.Encode(Assert.Single(extensions.Find<CrlDistributionPoints>()!.Points).Name!)), partitions);
        }
    }

    /// <summary>Incident 6: at a rollover there are two keys, and the certificates of each name places of their own.</summary>
    [Fact]
    public async Task APartition_IsOfTheKeyWhoseCertificatesNameIt()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        await using TestCa renewed = await TestCa.CreateAsync();
        Profile profile = ProfileCatalogue.Shipped["tls-server"];
        CrlRequest request = CrlRequest.OfPartition(ca.Issuer, profile, "32-1", 1, TestCa.Now, TestCa.Now.AddDays(1));

        Assert.Throws<ArgumentException>(() => CrlIssuer.Prepare(renewed.Issuer, request, [], new MemoryStream()));
        Assert.Throws<ArgumentException>(() => CrlRequest.OfPartition(ca.Issuer, profile, "32-32", 1, TestCa.Now, TestCa.Now.AddDays(1)));
        Assert.Throws<ArgumentException>(() => CrlRequest.OfPartition(ca.Issuer, profile, "all", 1, TestCa.Now, TestCa.Now.AddDays(1)));
    }

    public static TheoryData<string> BadRequests => [.. Bad.Keys];

    private static readonly Dictionary<string, CrlRequest> Bad = new()
    {
        ["number as before"] = Request(CrlKind.Complete) with { PreviousNumber = 7 },
        ["number below the one before"] = Request(CrlKind.Complete) with { PreviousNumber = 8 },
        ["negative number"] = Request(CrlKind.Complete) with { Number = -1 },
        ["number of 21 octets"] = Request(CrlKind.Complete) with { Number = BigInteger.One << 160 },
        ["base not below the number"] = Request(CrlKind.Complete) with { BaseNumber = 7 },
        ["nextUpdate at thisUpdate"] = Request(CrlKind.Complete) with { NextUpdate = TestCa.Now.AddMilliseconds(999) },
        ["before the issuer"] = Request(CrlKind.Complete) with { ThisUpdate = TestCa.NotBefore.AddSeconds(-1) },
        ["after the issuer"] = Request(CrlKind.Complete) with { ThisUpdate = TestCa.NotAfter.AddSeconds(1), NextUpdate = TestCa.NotAfter.AddDays(1) },
        ["partition without a point"] = Request(CrlKind.Partition) with { DistributionPoint = null },
        ["complete with a point"] = Request(CrlKind.Complete) with { DistributionPoint = Point },
        ["complete of user certificates"] = Request(CrlKind.Complete) with { OnlyUserCertificates = true },
        ["authorities of user certificates"] = Request(CrlKind.Authorities) with { OnlyUserCertificates = true },
        ["delta that points to deltas"] = Request(CrlKind.Complete) with { BaseNumber = 1, Deltas = Point },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task BadRequest_IsRefusedBeforeAnythingIsWritten(string name)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();

        Assert.ThrowsAny<ArgumentException>(() => CrlIssuer.Prepare(ca.Issuer, Bad[name], Entries, output));

        Assert.Equal(0, output.Length);
        Assert.Empty(ca.Hsm.Calls);
    }

    [Fact]
    public async Task IssuerThatMayNotSignCrls_IsRefused()
    {
        await using TestCa ca = await TestCa.CreateAsync(usages: KeyUsages.KeyCertSign);

        Assert.Throws<ArgumentException>(() => CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Entries, new MemoryStream()));
    }

    [Fact]
    public async Task RootWithoutCertificate_IsRefused()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var root = Issuer.OfRoot(ca.Issuer.Name, ca.Issuer.Signer, ca.Issuer.Publication);

        Assert.Throws<ArgumentException>(() => CrlIssuer.Prepare(root, Request(CrlKind.Complete), Entries, new MemoryStream()));
    }

    public static TheoryData<string, string> BadEntries => new()
    {
        { "crl-entry-unique", "twice" },
        { "crl-entry-date-past", "future" },
    };

    /// <summary>What the types let through, the lint does not.</summary>
    [Theory]
    [MemberData(nameof(BadEntries))]
    public async Task EntriesThatBreakARule_AreNotSigned(string rule, string what)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        output.Write("before"u8);
        CrlEntry another = what == "twice" ? Entries[1] with { Reason = RevocationReason.Superseded } : new CrlEntry(SerialNumber.Parse("11"), new Time(TestCa.Now.AddSeconds(1)));

        LintException refused = Assert.Throws<LintException>(() => CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), [.. Entries, another], output));

        Assert.Equal(rule, Assert.Single(refused.Findings).Rule);
        Assert.Equal(6, output.Length);
        Assert.Empty(ca.Hsm.Calls);
    }

    [Fact]
    public async Task EntriesThatChangeBetweenTheEnumerations_LeaveNothing()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        int enumerated = 0;

        Assert.Throws<InvalidOperationException>(() => CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Changing(), output));

        Assert.Equal(0, output.Length);

        IEnumerable<CrlEntry> Changing()
        {
            enumerated++;
            foreach (CrlEntry entry in Entries[enumerated..])
            {
                yield return entry;
            }
        }
    }

    [Fact]
    public async Task DeviceThatFails_LeavesNothing_AndTheTokenIsSpent()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        ca.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "away");
        using PreparedCrl prepared = CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Entries, output);
        Assert.NotEqual(0, output.Length);

        await Assert.ThrowsAsync<HsmException>(() => CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<InvalidOperationException>(() => CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken));
        prepared.Dispose();

        Assert.Equal(0, output.Length);
    }

    [Theory]
    [InlineData(HsmKeyKind.Sm2)]
    [InlineData(HsmKeyKind.P256)]
    [InlineData(HsmKeyKind.Rsa2048)]
    public async Task SignatureThatDoesNotHold_LeavesNothing(HsmKeyKind kind)
    {
        await using TestCa ca = await TestCa.CreateAsync(kind);
        using var output = new MemoryStream();
        ca.Hsm.Fault = signature =>
        {
            signature[^1] ^= 1;
            return signature;
        };

        HsmException failed = await Assert.ThrowsAsync<HsmException>(
            () => CrlIssuer.IssueAsync(ca.Issuer, Request(CrlKind.Complete), Entries, output, TestContext.Current.CancellationToken));

        Assert.Equal(HsmFailure.DeviceError, failed.Failure);
        Assert.Equal(0, output.Length);
    }

    [Fact]
    public async Task WhatWasGivenUp_IsNotSigned()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        PreparedCrl prepared = CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Entries, output);
        prepared.Dispose();

        await Assert.ThrowsAsync<InvalidOperationException>(() => CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken));

        Assert.Empty(ca.Hsm.Calls);
    }

    [Fact]
    public async Task DisposedAfterItWasSigned_TheCrlStays()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        PreparedCrl prepared = CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Entries, output);
        byte[] digest = prepared.Digest.ToArray();

        IssuedCrl issued = await CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken);
        prepared.Dispose();

        Assert.Equal(issued.Length, output.Length);
        Assert.Equal(digest, issued.Digest.ToArray());
    }

    /// <summary>A disk that changes a byte after it was hashed: the lint sees it or the reading back does, and nothing stays.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(90)]
    [InlineData(150)]
    public async Task ChangedAfterItWasPrepared_LeavesNothing(int at)
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using var output = new MemoryStream();
        using PreparedCrl prepared = CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Entries, output);
        output.GetBuffer()[at] ^= 1;

        await Assert.ThrowsAsync<InvalidOperationException>(() => CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken));
        prepared.Dispose();

        Assert.Equal(0, output.Length);
    }

    /// <summary>Memory for the hash of each serial number, and nothing else grows.</summary>
    [Fact]
    public async Task ManyEntries_TakeNoMemoryOfTheirOwn()
    {
        int count = TestRandom.Long ? 1_000_000 : 100_000;
        await using TestCa ca = await TestCa.CreateAsync();
        string path = Path.GetTempFileName();
        try
        {
            await using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Equal(count, Many().Count());
            long enumeration = GC.GetAllocatedBytesForCurrentThread() - before;

            before = GC.GetAllocatedBytesForCurrentThread();
            using PreparedCrl prepared = CrlIssuer.Prepare(ca.Issuer, Request(CrlKind.Complete), Many(), file);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before - (2 * enumeration);
            IssuedCrl issued = await CrlIssuer.SignAsync(prepared, TestContext.Current.CancellationToken);

            Assert.True(allocated < 1_000_000 + (32L * count), $"{allocated} bytes for {count} entries of {issued.Length} bytes");
            file.Position = 0;
            long walked = 0;
            foreach (CrlEntryView entry in CrlView.Read(file).ReadEntries())
            {
                walked += entry.Fault is null ? 1 : 0;
            }

            Assert.Equal(count, walked);
        }
        finally
        {
            File.Delete(path);
        }

        IEnumerable<CrlEntry> Many() => Enumerable.Range(1, count).Select(i =>
        {
            byte[] serialNumber = new byte[16];
            serialNumber[0] = 0x40;
            BitConverter.TryWriteBytes(serialNumber.AsSpan(8), i);
            return new CrlEntry(SerialNumber.FromBytes(serialNumber), new Time(TestCa.Now), (RevocationReason)(i % 7));
        });
    }

    internal static CrlRequest Request(CrlKind kind) => new()
    {
        Kind = kind,
        Number = 7,
        ThisUpdate = TestCa.Now,
        NextUpdate = TestCa.Now.AddDays(1),
        DistributionPoint = kind == CrlKind.Partition ? Point : null,
    };
}
