using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance;

public sealed class CertificateRuleTests
{
    public static TheoryData<int, string> BadCertificates => new(BadCertificate.All.Select((bad, i) => (i, $"{bad.Rule} ({bad.Start})")));

    public static TheoryData<string> GoodCertificates => new(LintSamples.All.Keys);

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public void BadCertificate_BreaksItsRule(int index, string _)
    {
        BadCertificate bad = BadCertificate.All[index];
        IReadOnlyList<Finding> findings = bad.Judge();
        Assert.Equal(bad.Companions.Prepend(bad.Rule).Order(), findings.Select(finding => finding.Rule).Order());
    }

    [Theory]
    [MemberData(nameof(GoodCertificates))]
    public void GoodCertificate_BreaksNone(string name)
    {
        LintSample sample = LintSamples.All[name];
        Assert.Empty(Linter.Check(sample.Bytes, LintContext.None));
        Assert.Empty(Linter.Check(sample.Bytes, sample.Context(LintKnowledge.Ours)));
        if (sample.IssuerCertificate is not null)
        {
            Assert.Empty(Linter.Check(sample.Bytes, sample.Context(LintKnowledge.Issuer)));
        }

        if (sample.Other is not null)
        {
            Assert.Empty(Linter.Check(sample.Bytes, sample.Context(LintKnowledge.Ours) with { Other = CertificateView.Read(sample.Other) }));
        }
    }

    [Fact]
    public void EveryRule_HasABadCertificate() =>
        Assert.Equal(Linter.CertificateRules.Select(rule => rule.Id).Order(), BadCertificate.All.Select(bad => bad.Rule).Distinct().Order());

    [Fact]
    public void EveryRule_HasAnIdOfItsOwnAndSaysItsSource()
    {
        Assert.Equal(Linter.CertificateRules.Count, Linter.CertificateRules.Select(rule => rule.Id).Distinct().Count());
        Assert.All(Linter.CertificateRules, rule =>
        {
            Assert.Matches("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", rule.Id);
            Assert.Matches(@"^(RFC|GM/T|GB|X\.|CA/Browser|CVE-|docs/)", rule.Source);
            Assert.Matches(@"^[A-Z\p{Ll}].*[^.]\.$", rule.Demand);
            Assert.True(rule.OwnSeverity >= rule.Severity);
        });
    }

    [Fact]
    public void AdviceToOthers_IsAnErrorOfOurs()
    {
        BadCertificate theirs = BadCertificate.All.First(bad => bad is { Rule: "sm2-signature-parameters", Knowledge: LintKnowledge.Nothing });
        BadCertificate ours = BadCertificate.All.First(bad => bad is { Rule: "sm2-signature-parameters", Knowledge: LintKnowledge.Ours });
        Assert.Equal(Severity.Warning, Assert.Single(theirs.Judge()).Severity);
        Assert.Equal(Severity.Error, Assert.Single(ours.Judge()).Severity);
    }

    [Fact]
    public void Document_ListsTheRules()
    {
        string file = Path.Combine(Architecture.RepositoryTree.Root, "docs", "LINT.md");
        string document = File.ReadAllText(file);
        string table = "| id | severity | ours | source | demand |\n|---|---|---|---|---|\n" + string.Concat(Linter.CertificateRules.Select(rule =>
            $"| {rule.Id} | {rule.Severity} | {rule.OwnSeverity} | {rule.Source} | {rule.Demand} |\n"));
        Assert.Contains($"## Certificates: {Linter.CertificateRules.Count} rules\n", document, StringComparison.Ordinal);
        Assert.True(document.Contains(table, StringComparison.Ordinal), $"docs/LINT.md does not have this table:\n{table}");
    }
}
