using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Crls;

public sealed class CrlFileTests
{
    private static readonly FullName Point = new(new UniformResourceIdentifier("http://pki.example.cn/crl/7.crl"));

    private static readonly CrlEntry[] Entries =
    [
        new(SerialNumber.Parse("40aa"), new Time(TestCa.Now.AddDays(-2)), RevocationReason.KeyCompromise, new Time(TestCa.Now.AddDays(-3))),
        new(SerialNumber.Parse("d0ab"), new Time(TestCa.Now.AddDays(-1)), RevocationReason.CertificateHold),
        new(SerialNumber.Parse("0f"), new Time(TestCa.Now)),
    ];

    public static MatrixTheoryData<HsmKeyKind, CrlKind, bool> Kinds =>
        new([HsmKeyKind.Sm2, HsmKeyKind.P256, HsmKeyKind.Rsa2048], Enum.GetValues<CrlKind>(), [false, true]);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EveryKind_IsReadAsItWasIssued(HsmKeyKind key, CrlKind kind, bool delta)
    {
        await using TestCa ca = await TestCa.CreateAsync(key);
        await using TestCa other = await TestCa.CreateAsync(key);
        using MemoryStream stream = await IssueAsync(ca, kind, Entries, delta);

        var crl = CrlFile.Read(stream);

        Assert.Equal(stream.Length, crl.Length);
        Assert.Equal(ca.Issuer.Name, crl.Issuer);
        Assert.Equal(7, crl.Number);
        Assert.Equal(delta ? 5 : null, crl.BaseNumber);
        Assert.Equal(kind, crl.Kind);
        Assert.Equal(kind == CrlKind.Partition, crl.Scope?.DistributionPoint?.DerEquals(Point) == true);
        Assert.Equal(new Time(TestCa.Now), crl.ThisUpdate);
        Assert.Equal(new Time(TestCa.Now.AddDays(1)), crl.NextUpdate);
        Assert.Equal(ca.Issuer.KeyIdentifier.ToArray(), crl.AuthorityKeyIdentifier!.Value.ToArray());
        Assert.True(crl.IsOf(ca.Certificate));
        Assert.True(crl.IsSignedBy(ca.Certificate));
        Assert.False(crl.IsOf(other.Certificate));
        Assert.False(crl.IsSignedBy(other.Certificate));
        Assert.Equal(
            Entries.Select(entry => (entry.UserCertificate.ToString(), (DateTime?)entry.RevocationDate.Value.UtcDateTime, (RevocationReason?)entry.Reason)),
            ReadEntries(crl));
    }

    [Theory]
    [InlineData(HsmKeyKind.Sm2)]
    [InlineData(HsmKeyKind.P256)]
    [InlineData(HsmKeyKind.Rsa2048)]
    public async Task OneBitChangedAnywhere_TheSignatureDoesNotHold(HsmKeyKind key)
    {
        await using TestCa ca = await TestCa.CreateAsync(key);
        using MemoryStream stream = await IssueAsync(ca, CrlKind.Complete, Entries);
        byte[] der = stream.ToArray();
        for (int i = 0; i < der.Length; i++)
        {
            byte[] changed = [.. der];
            changed[i] ^= 1;
            Assert.False(IsSignedBy(changed, ca.Certificate), $"octet {i}");
        }
    }

    [Fact]
    public async Task LongerThanABuffer_TheSignatureHolds()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using MemoryStream stream = await IssueAsync(
            ca, CrlKind.Complete, [.. Enumerable.Range(1, 10_000).Select(i => new CrlEntry(SerialNumber.FromBytes([0x40, (byte)(i >> 8), (byte)(i & 0xff)]), new Time(TestCa.Now)))]);

        var crl = CrlFile.Read(stream);

        Assert.True(crl.Length > 3 << 16);
        Assert.True(crl.IsSignedBy(ca.Certificate));
        Assert.Equal(10_000, ReadEntries(crl).Count);
    }

    [Fact]
    public async Task TheFileBecameShorter_IsSaid()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using MemoryStream stream = await IssueAsync(ca, CrlKind.Complete, Entries);
        var crl = CrlFile.Read(stream);
        stream.SetLength(stream.Length / 2);

        Assert.Throws<DerException>(() => crl.IsSignedBy(ca.Certificate));
    }

    [Fact]
    public async Task KeyThatMayNotSignCrls_IsNotItsIssuer()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        using MemoryStream stream = await IssueAsync(ca, CrlKind.Complete, Entries);
        await using TestCa signsNone = await TestCa.CreateAsync(usages: KeyUsages.KeyCertSign);

        var crl = CrlFile.Read(stream);

        Assert.False(crl.IsOf(signsNone.Certificate));
    }

    [Theory]
    [InlineData("")]
    [InlineData("3000")]
    [InlineData("300506032a0304")]
    public void SomethingElse_IsRefused(string hex) => Assert.Throws<DerException>(() => CrlFile.Read(Convert.FromHexString(hex)));

    private static bool IsSignedBy(byte[] der, Certificate certificate)
    {
        try
        {
            return CrlFile.Read(der).IsSignedBy(certificate);
        }
        catch (DerException)
        {
            return false;
        }
    }

    private static List<(string Serial, DateTime? RevokedAt, RevocationReason? Reason)> ReadEntries(CrlFile crl)
    {
        var entries = new List<(string, DateTime?, RevocationReason?)>();
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            entries.Add((SerialNumber.FromBytes(entry.SerialNumber).ToString(), entry.RevokedAt, entry.Reason));
        }

        return entries;
    }

    private static async Task<MemoryStream> IssueAsync(TestCa ca, CrlKind kind, IReadOnlyList<CrlEntry> entries, bool delta = false)
    {
        var request = new CrlRequest
        {
            Kind = kind,
            Number = 7,
            BaseNumber = delta ? 5 : null,
            ThisUpdate = TestCa.Now,
            NextUpdate = TestCa.Now.AddDays(1),
            DistributionPoint = kind == CrlKind.Partition ? Point : null,
            OnlyUserCertificates = kind == CrlKind.Partition,
        };
        var output = new MemoryStream();
        await CrlIssuer.IssueAsync(ca.Issuer, request, entries, output, TestContext.Current.CancellationToken);
        return output;
    }
}
