using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Tests.Architecture;

namespace ZwCa.Tests.Issuance.Lint.Crls;

public sealed class CrlLintTests
{
    public static TheoryData<string> Bad => [.. BadCrls.All.Keys];

    [Theory]
    [MemberData(nameof(Bad))]
    public void KnownBadCrl_BreaksItsRule(string name)
    {
        BadCrl bad = BadCrls.All[name];

        IReadOnlyList<Finding> findings = CrlLint.Check(bad.Crl, bad.Context);

        Assert.Equal(bad.Rules.Order(), findings.Select(finding => finding.Rule).Order());
        Assert.All(findings, finding => Assert.NotEmpty(finding.Detail));
    }

    [Fact]
    public void EveryRule_HasABadCrl() =>
        Assert.Equal(CrlLint.Rules.Select(rule => rule.Id).Order(), BadCrls.All.Values.SelectMany(bad => bad.Rules).Distinct().Order());

    [Fact]
    public void GoodCrls_BreakNone()
    {
        Assert.Empty(CrlLint.Check(BadCrls.Complete, BadCrls.Known));
        Assert.Empty(CrlLint.Check(BadCrls.Delta, BadCrls.Known));
        Assert.Empty(CrlLint.Check(BadCrls.Partition, BadCrls.Known with { DistributionPoint = new FullName(new UniformResourceIdentifier("http://pki.example.cn/crl/7.crl")) }));
        Assert.Empty(CrlLint.Check(BadCrls.OfRsa, CrlLintContext.None));
    }

    [Fact]
    public void Rules_AreToldApart_AndCiteTheirClause()
    {
        Assert.True(CrlLint.Rules.Count >= 22);
        Assert.Equal(CrlLint.Rules.Count, CrlLint.Rules.Select(rule => rule.Id).Distinct().Count());
        Assert.All(CrlLint.Rules, rule =>
        {
            Assert.Matches("^crl-[a-z0-9]+(-[a-z0-9]+)*$", rule.Id);
            Assert.Contains("§", rule.Source, StringComparison.Ordinal);
            Assert.EndsWith(".", rule.Demand, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Document_HasTheRules()
    {
        string table = "| id | severity | source | demand |\n|---|---|---|---|\n"
            + string.Concat(CrlLint.Rules.Select(rule => $"| {rule.Id} | {rule.Severity} | {rule.Source} | {rule.Demand} |\n"));
        string document = RepositoryTree.ReadText("docs/LINT.md");

        Assert.True(document.Contains(table, StringComparison.Ordinal), $"docs/LINT.md does not have this table:\n{table}");
        Assert.Contains($"the same {CrlLint.Rules.Count} rules", document, StringComparison.Ordinal);
    }

    /// <summary>removeFromCRL belongs into a delta, a certificateIssuer into an indirect CRL.</summary>
    [Fact]
    public void WhatBelongsElsewhere_IsGoodThere()
    {
        byte[] removal = [0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, 0x08];
        Assert.Empty(CrlLint.Check(CrlEdit.Replace(BadCrls.Delta, "0/5/0/2", removal), CrlLintContext.None));

        byte[] names = CrlEdit.Element(0x04, CrlEdit.Element(0x30, CrlEdit.Element(0xa4, CrlEdit.Find(BadCrls.Partition, "0/2"))));
        byte[] issuer = CrlEdit.Element(0x30, CrlEdit.Element(0x30, [0x06, 0x03, 0x55, 0x1d, 0x1d, 0x01, 0x01, 0xff], names));
        byte[] indirect = CrlEdit.Replace(BadCrls.Partition, "0/6/0/2/2", [0x04, 0x05, 0x30, 0x03, 0x84, 0x01, 0xff]);
        IReadOnlyList<Finding> findings = CrlLint.Check(CrlEdit.Replace(indirect, "0/5/0/2", issuer), CrlLintContext.None);
        Assert.Equal("crl-scope-not-indirect", Assert.Single(findings).Rule);
        Assert.Equal(Severity.Warning, findings[0].Severity);
    }

    /// <summary>Far apart, and so in different windows.</summary>
    [Fact]
    public void ASerialNumberTwice_IsFoundAmongMany()
    {
        const int Count = 20_000;
        byte[] entries = [.. Enumerable.Range(1, Count).SelectMany(Entry), .. Entry(5)];
        byte[] crl = CrlEdit.Replace(BadCrls.Complete, "0/5", CrlEdit.Element(0x30, entries));

        Finding finding = Assert.Single(CrlLint.Check(crl, CrlLintContext.None));

        Assert.Equal("crl-entry-unique", finding.Rule);
        Assert.Contains($"entry {Count + 1} ", finding.Detail, StringComparison.Ordinal);

        byte[] Entry(int i) => CrlEdit.Element(0x30, [0x02, 0x04, 0x40, 0x00, (byte)(i / 256), (byte)(i % 256)], CrlEdit.Find(BadCrls.Complete, "0/5/2/1"));
    }

    /// <summary>The offset that is told is the one in the CRL, behind the entries too.</summary>
    [Fact]
    public void Offsets_AreThoseInTheCrl()
    {
        byte[] bad = BadCrls.All["length of an extension"].Crl;
        int at = bad.AsSpan().IndexOf<byte>([0x04, 0x81, 0x03, 0x02, 0x01, 0x07]);

        Assert.Equal($"at offset {at}", Assert.Single(CrlLint.Check(bad, CrlLintContext.None)).Detail);
    }
}
