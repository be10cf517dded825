using System.Formats.Asn1;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>ARLs and CA certificates of a ceremony, as files that an operator puts there.</summary>
public sealed class CeremonyPublicationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The certificate of a root that is none of the service's CAs, its ARL, and files that are not yet.</summary>
    private static Dictionary<string, string?> Settings(TemporaryFolder folder, params string[] files) =>
        files.Index().ToDictionary(each => $"Ca:Crls:CeremonyFiles:{each.Index}", each => (string?)folder.File(each.Item));

    [Fact]
    public async Task EachFileByItself_IsPublishedOrToldOf_AndLoggedWithItsHash()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: Settings(folder, "garbage.crl", "broken.cer", "none.crl", "user.cer", "other.cer", "root.cer", "root.crl", "again.cer"));
        Issuer root = story.Stage.Hierarchy.Root;
        byte[] certificate = Der.Encode(root.Certificate!), list = (await PublicationTests.SignAsync(root, 7))!;
        await File.WriteAllTextAsync(folder.File("garbage.crl"), "garbage", Token);
        await File.WriteAllBytesAsync(folder.File("broken.cer"), Broken(root), Token);
        await File.WriteAllBytesAsync(folder.File("user.cer"), story.Valid.Certificate!, Token);
        await File.WriteAllBytesAsync(folder.File("root.cer"), certificate, Token);
        await File.WriteAllBytesAsync(folder.File("root.crl"), list, Token);
        await File.WriteAllBytesAsync(folder.File("again.cer"), Der.Encode(await AgainAsync(story)), Token);
        await File.WriteAllBytesAsync(folder.File("other.cer"), Der.Encode(story.Stage.Hierarchy.OtherRoot), Token);

        // A CRL is no longer in the way of anything, nor is anything in its way.
        Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
        await story.Stage.PublishAsync();
        await story.Stage.PublishAsync();
        Assert.Equal(CrlState.Published, (await story.LastAsync(story.Scope))!.State);

        string identifier = Convert.ToHexStringLower(root.KeyIdentifier.Span), place = $"crl/{identifier}/all.crl";
        Assert.Equal(certificate, await File.ReadAllBytesAsync(Path.Combine(story.Folder, $"ca/{identifier}.cer"), Token));
        Assert.Equal(list, await File.ReadAllBytesAsync(Path.Combine(story.Folder, place), Token));
        IEnumerable<string> troubles = Troubles(story);
        foreach (string name in new[] { "garbage.crl: neither", "broken.cer: neither", "none.crl is not there", "user.cer: it is no certificate of a CA", "again.cer has the key identifier of" })
        {
            Assert.Contains(troubles, trouble => trouble.Contains(name, StringComparison.Ordinal));
        }

        Assert.Equal(5, troubles.Count());

        // Once each.
        AuditLeaf put = Assert.Single(await story.LeavesAsync(CeremonyPublication.PublishAction), leaf => leaf.Object.Id == identifier);
        Assert.Contains(put.Fields.OfType<AuditField.Octets>(), field => field.Name == "hash" && field.Value.Span.SequenceEqual(Sm3.HashData(certificate)));
        put = Assert.Single(await story.LeavesAsync(PublishCrls.PublishAction), leaf => leaf.Object.Id == $"{identifier}/all");
        Assert.Contains(put.Fields.OfType<AuditField.Octets>(), field => field.Name == "hash" && field.Value.Span.SequenceEqual(Sm3.HashData(list)));
        Assert.Contains(put.Fields.OfType<AuditField.Number>(), field => field.Name == "number" && field.Value == 7);
        Assert.Empty(await story.LeavesAsync(CeremonyPublication.RestoreAction));
    }

    [Fact]
    public async Task WhatWasChanged_IsPutRight_AndLoggedWithWhatWasThere()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: Settings(folder, "root.cer", "root.crl"));
        Issuer root = story.Stage.Hierarchy.Root;
        byte[] list = (await PublicationTests.SignAsync(root, 7))!, older = (await PublicationTests.SignAsync(root, 6))!, next = (await PublicationTests.SignAsync(root, 8))!;
        await File.WriteAllBytesAsync(folder.File("root.cer"), Der.Encode(root.Certificate!), Token);
        await File.WriteAllBytesAsync(folder.File("root.crl"), list, Token);
        await story.Stage.PublishAsync();
        string identifier = Convert.ToHexStringLower(root.KeyIdentifier.Span);
        string served = Path.Combine(story.Folder, $"crl/{identifier}/all.crl"), certificate = Path.Combine(story.Folder, $"ca/{identifier}.cer");

        await File.WriteAllBytesAsync(served, older, Token);
        await File.WriteAllTextAsync(certificate, "garbage", Token);
        await story.Stage.PublishAsync();
        Assert.Equal(list, await File.ReadAllBytesAsync(served, Token));
        AuditLeaf leaf = Assert.Single(await story.LeavesAsync(PutCrl.RestoreAction), each => each.Object.Id == $"{identifier}/all");
        Assert.Contains(leaf.Fields.OfType<AuditField.Octets>(), field => field.Name == "foundHash" && field.Value.Span.SequenceEqual(Sm3.HashData(older)));
        leaf = Assert.Single(await story.LeavesAsync(CeremonyPublication.RestoreAction));
        Assert.Contains(leaf.Fields.OfType<AuditField.Octets>(), field => field.Name == "foundHash" && field.Value.Span.SequenceEqual(Sm3.HashData("garbage"u8)));

        // The next one of the ceremony is no repair; and the old file does not come back.
        await File.WriteAllBytesAsync(folder.File("root.crl"), next, Token);
        await story.Stage.PublishAsync();
        Assert.Equal(next, await File.ReadAllBytesAsync(served, Token));
        Assert.Equal(2, (await story.LeavesAsync(PublishCrls.PublishAction)).Count(each => each.Object.Id == $"{identifier}/all"));
        await File.WriteAllBytesAsync(folder.File("root.crl"), list, Token);
        File.SetLastWriteTimeUtc(folder.File("root.crl"), DateTime.UtcNow.AddHours(-1));
        await story.Stage.PublishAsync();
        Assert.Equal(next, await File.ReadAllBytesAsync(served, Token));
        Assert.Contains("is an old one", Assert.Single(Troubles(story)), StringComparison.Ordinal);
    }

    /// <summary>When an ARL ends is said though it cannot be published: a folder is away, or there is none.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnArlThatEndsSoon_IsToldOf_WhateverTheFolders(bool hasFolder)
    {
        using var folder = new TemporaryFolder();
        Dictionary<string, string?> settings = Settings(folder, "root.cer", "root.crl");
        if (hasFolder)
        {
            settings["Ca:Crls:PublicationFolders:0"] = folder.File("away");
        }

        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Settings = settings });
        await File.WriteAllBytesAsync(folder.File("root.cer"), Der.Encode(stage.Hierarchy.Root.Certificate!), Token);
        await File.WriteAllBytesAsync(folder.File("root.crl"), (await PublicationTests.SignAsync(stage.Hierarchy.Root, 7))!, Token);
        await stage.PublishAsync();

        // It has seven days.
        (bool isRed, string reason) = Assert.Single(((CeremonyPublication)stage.App.Services.GetService(typeof(CeremonyPublication))!).FindDue());
        Assert.True(isRed);
        Assert.Contains("root.crl ends at", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no nextUpdate", "it has no nextUpdate")]
    [InlineData("another key", "its signature does not hold")]
    [InlineData("too long", "is the most that a file")]
    public async Task AListThatIsWrong_IsNotPublished_AndToldOf(string what, string because)
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: Settings(folder, "root.cer", "root.crl"));
        Issuer root = story.Stage.Hierarchy.Root;
        byte[] list = (await PublicationTests.SignAsync(root, 7))!;
        await File.WriteAllBytesAsync(folder.File("root.cer"), Der.Encode(root.Certificate!), Token);
        await File.WriteAllBytesAsync(
            folder.File("root.crl"),
            what switch
            {
                "no nextUpdate" => await WithoutEndAsync(list, story.Stage.Hierarchy.Signer("root", KeyAlgorithm.Sm2)),
                "another key" => (await PublicationTests.SignAsync(story.Stage.Operations, 7))![..^1].Append((byte)0).ToArray(),
                _ => new byte[(16 << 20) + 1],
            },
            Token);

        await story.Stage.PublishAsync();
        Assert.Contains(because, Assert.Single(Troubles(story)), StringComparison.Ordinal);
        Assert.DoesNotContain("0001", (await story.ReadinessAsync()).Reason, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(story.Folder, $"crl/{Convert.ToHexStringLower(root.KeyIdentifier.Span)}/all.crl")));
    }

    /// <summary>A server that does not answer keeps whoever asks it for ever: a pipe does too.</summary>
    [Fact]
    public async Task APublicationThatDoesNotEnd_IsToldOf()
    {
        Requires.Condition(OperatingSystem.IsLinux(), "pipes");
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: Settings(folder, "dead"));
        PlainFolderTests.MakePipe(folder.File("dead"));
        Task hung = Task.Run(() => story.Stage.PublishAsync(), Token);
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), Token);
            Assert.DoesNotContain(Troubles(story), trouble => trouble.Contains("has not ended", StringComparison.Ordinal));
            story.Clock.Pass(10 * story.Services.GetRequiredService<CrlOptions>().Look + TimeSpan.FromSeconds(1));
            Assert.False(hung.IsCompleted);
            Assert.Contains(Troubles(story), trouble => trouble.Contains("has not ended", StringComparison.Ordinal));
            await story.ReadyAsync("unhealthy", "Publication has not ended for");
        }
        finally
        {
            // Whoever waits to read is let go, also those who come later.
            File.Move(folder.File("dead"), folder.File("pipe"));
            await using var end = new FileStream(folder.File("pipe"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        }

        await hung;
        Assert.DoesNotContain(Troubles(story), trouble => trouble.Contains("has not ended", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Troubles(CrlStory story) => ((PublishCrls)story.Services.GetService(typeof(PublishCrls))!).Troubles;

    /// <summary>The same name and key, and another certificate.</summary>
    private static Task<Certificate> AgainAsync(CrlStory story)
    {
        Issuer issuer = story.Stage.Hierarchy.IssuerOf("root");
        return issuer.IssueAsync(issuer.Prepare(story.Stage.Hierarchy.Request("root")), Token);
    }

    /// <summary>Its SubjectKeyIdentifier is no OCTET STRING.</summary>
    private static byte[] Broken(Issuer issuer)
    {
        byte[] der = Der.Encode(issuer.Certificate!);
        byte[] identifier = issuer.KeyIdentifier.ToArray();
        byte[] extension = [0x55, 0x1d, 0x0e, 0x04, (byte)(identifier.Length + 2), 0x04, (byte)identifier.Length, .. identifier];
        der[der.AsSpan().IndexOf(extension) + 5] = 0x02;
        return der;
    }

    private static async Task<byte[]> WithoutEndAsync(byte[] list, HsmSigner signer)
    {
        // Behind version, signature, issuer and thisUpdate.
        AsnReader reader = new AsnReader(Der.Decode<CertificateList>(list).TbsBytes, AsnEncodingRules.DER).ReadSequence();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            for (int i = 0; reader.HasData; i++)
            {
                ReadOnlyMemory<byte> field = reader.ReadEncodedValue();
                if (i != 4)
                {
                    writer.WriteEncodedValue(field.Span);
                }
            }
        }

        byte[] tbs = writer.Encode();
        return Der.Encode(CertificateList.Assemble(tbs, await signer.SignAsync(tbs, Token)));
    }
}
