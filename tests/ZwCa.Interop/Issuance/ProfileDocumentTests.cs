using System.Text.RegularExpressions;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>docs/PROFILES.md takes two certificates apart by hand: its bytes are those of the golden files, and openssl says what it says.</summary>
public partial class ProfileDocumentTests
{
    [Theory]
    [InlineData("### Signing (C.3)", "person-signing")]
    [InlineData("### Encryption (C.4)", "person-encryption")]
    public async Task TheGoldenCertificates_AreWhatTheDocumentSays(string heading, string profile)
    {
        string[][] rows = Rows(heading);
        string golden = string.Concat(File.ReadLines(Find($"tests/testdata/profiles/{profile}.hex")));
        Assert.Equal(golden, string.Concat(rows.Select(row => row[2].Trim('`'))));

        using var openssl = new OpenSsl();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        Certificate certificate = await hierarchy.Sub.IssueAsync(hierarchy.Prepare(hierarchy.Request(profile)), TestContext.Current.CancellationToken);
        Assert.Equal(golden, Convert.ToHexStringLower(certificate.TbsBytes.Span));
        OpenSsl.Output text = ProfileTests.Text(openssl, certificate);
        string[] quoted = [.. rows.SelectMany(row => Quoted().Matches(row[3])).Select(match => match.Groups[1].Value).Where(quote => !quote.Contains('{', StringComparison.Ordinal))];
        Assert.True(quoted.Length >= 25);
        Assert.All(quoted, quote => Assert.True(text.Says(quote), $"openssl does not say \"{quote}\" in\n{text}"));
    }

    /// <summary>The table of the document has a row for each profile, with its validity, policies and number of CRLs.</summary>
    [Fact]
    public void TheTable_HasEveryProfile()
    {
        Dictionary<string, string[]> rows = Rows("## Shipped").ToDictionary(row => row[0].Trim('`'));
        foreach (Profile profile in ProfileCatalogue.Shipped.All.Where(profile => !profile.Name.EndsWith("-2023", StringComparison.Ordinal)))
        {
            string[] row = rows[profile.Name];
            Assert.Equal(string.Join(", ", profile.Options.KeyUsage.Usages.Select(usage => char.ToLowerInvariant(usage.ToString()[0]) + usage.ToString()[1..])), row[2]);
            Assert.Equal(profile.Options.Validity.MaximumDays, int.Parse(row[4], System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(profile.Options.Policies.Select(policy => policy.Replace("{policyArc}", "arc", StringComparison.Ordinal).Replace("2.5.29.32.0", "anyPolicy", StringComparison.Ordinal)), row[5].Split(", "));
            Assert.Equal(profile.Options.CrlDistributionPoints.Count == 0 ? "none" : profile.Options.CrlShards == 1 ? "complete" : $"{profile.Options.CrlShards} shards", row[6]);
        }

        Assert.Equal(ProfileCatalogue.Shipped.All.Count(profile => !profile.Name.EndsWith("-2023", StringComparison.Ordinal)), rows.Count);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    /// <summary>Cells of the first table below a heading.</summary>
    private static string[][] Rows(string heading) =>
    [
        .. File.ReadLines(Find("docs/PROFILES.md")).SkipWhile(line => line != heading).SkipWhile(line => !line.StartsWith('|')).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    private static string Find(string file)
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string candidate = Path.Combine(directory.FullName, file);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new FileNotFoundException("It is not above the test assembly.", file);
    }
}
