using System.Diagnostics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Issuance;
using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.Issuance;

/// <summary>Whatever the bytes are, judging them ends with findings, and soon.</summary>
public sealed class CertificateRuleFuzzTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly TestRandom _random = new();

    private static LintSample[] Samples => [.. LintSamples.All.Values];

    [Fact]
    public void TruncatedCertificate_IsNone()
    {
        foreach (LintSample sample in Samples)
        {
            foreach (byte[] truncated in Mutations.Truncated(sample.Bytes))
            {
                Assert.Equal("certificate-structure", Assert.Single(Judge(sample, truncated)).Rule);
            }
        }
    }

    [Fact]
    public void MutatedCertificate_IsJudged()
    {
        LintSample[] samples = Samples;
        for (int round = TestRandom.Long ? 10_000_000 : 100_000; round > 0; round--)
        {
            LintSample sample = samples[_random.Next(samples.Length)];
            byte[] bytes = [.. sample.Bytes];
            for (int changes = _random.Next(1, 4); changes > 0; changes--)
            {
                int at = _random.Next(bytes.Length);
                bytes[at] = _random.Next(3) switch
                {
                    0 => (byte)(bytes[at] ^ (1 << _random.Next(8))),
                    1 => (byte)((bytes[at] + (_random.Next(2) == 0 ? 1 : 0xff)) & 0xff),
                    _ => (byte)_random.Next(256),
                };
            }

            Judge(sample, bytes);
        }
    }

    [Fact]
    public void BentCertificate_IsJudged()
    {
        foreach (LintSample sample in Samples)
        {
            foreach (byte[] bent in Mutations.Bent(sample.Bytes, _random, TestRandom.Long ? 100_000 : 1_000))
            {
                Judge(sample, bent);
            }
        }
    }

    [Fact]
    public void HugeCertificate_IsJudgedSoon()
    {
        LintSample sample = LintSamples.All["sign"];
        foreach (byte[] huge in Mutations.Repeated(sample.Bytes).Concat(HugeExtensions(sample.Bytes)))
        {
            long start = Stopwatch.GetTimestamp();
            Judge(sample, huge);
            Assert.True(Stopwatch.GetElapsedTime(start) < Soon, $"{Mutations.Show(huge)} took {Stopwatch.GetElapsedTime(start)}");
        }
    }

    /// <summary>Those of the machine, made by all sorts of CAs over decades.</summary>
    [Fact]
    public void CertificatesOfTheWorld_AreJudged()
    {
        const string Bundle = "/etc/ssl/certs/ca-certificates.crt";
        Requires.Condition(File.Exists(Bundle), $"the machine's trusted roots in {Bundle}");
        int judged = 0;
        ReadOnlySpan<char> rest = File.ReadAllText(Bundle);
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            byte[] certificate = Convert.FromBase64String(rest[fields.Base64Data].ToString());
            Assert.DoesNotContain(Linter.Check(certificate, LintContext.None), finding => finding.Rule == "certificate-structure");
            rest = rest[fields.Location.End..];
            judged++;
        }

        Assert.True(judged > 0);
    }

    private static IEnumerable<byte[]> HugeExtensions(byte[] certificate)
    {
        const int Size = 100_000;
        byte[] longOid = DerEdit.Element(0x06, [.. Enumerable.Repeat((byte)0x81, Size), 0x01]);
        yield return DerEdit.Change(certificate, DerEdit.Extensions, _ => DerEdit.Element(0x30, DerEdit.Element(0x30, [.. longOid, 0x04, 0x00])));
        foreach (string oid in (string[])[Oids.SubjectAltName, Oids.CertificatePolicies, Oids.ExtendedKeyUsage, Oids.CrlDistributionPoints, Oids.AuthorityInfoAccess])
        {
            foreach (byte[] element in (byte[][])[[0x82, 0x00], [0x06, 0x01, 0x2a], [0x30, 0x00], [0x30, 0x03, 0x06, 0x01, 0x2a], longOid])
            {
                byte[] list = DerEdit.Element(0x30, [.. Enumerable.Repeat(element, 1 + (Size / element.Length)).SelectMany(octets => octets)]);
                bool isThere = oid is Oids.CertificatePolicies or Oids.CrlDistributionPoints or Oids.AuthorityInfoAccess;
                yield return isThere ? CertificateBends.AtValue(oid, _ => list)(certificate) : CertificateBends.AddExtension(Convert.ToHexString(list), oid)(certificate);
            }
        }
    }

    private static IReadOnlyList<Finding> Judge(LintSample sample, byte[] bytes)
    {
        Linter.Check(bytes, LintContext.None);
        return Linter.Check(bytes, sample.Context(LintKnowledge.Ours) with { Other = sample.Other is null ? null : CertificateView.Read(sample.Other) });
    }
}
