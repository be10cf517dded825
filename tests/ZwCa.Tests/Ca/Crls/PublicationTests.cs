using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>What may happen to the folder that relying parties' servers read.</summary>
public sealed class PublicationTests
{
    private static readonly Dictionary<string, (string What, Func<CrlStory, byte[], Task<byte[]?>> Damage)> Damages = new()
    {
        ["nothing"] = ("nothing", (_, _) => Task.FromResult<byte[]?>(null)),
        ["garbage"] = ("no CRL", (_, _) => Task.FromResult<byte[]?>("<html>404</html>"u8.ToArray())),
        ["an empty file"] = ("no CRL", (_, _) => Task.FromResult<byte[]?>([])),
        ["half a file"] = ("no CRL", (_, served) => Task.FromResult<byte[]?>(served[..(served.Length / 2)])),
        ["another CA's CRL"] = ("another CA's CRL", (story, _) => SignAsync(story.Stage.Operations, 99)),
        ["a CRL with a wrong signature"] = ("whose signature does not hold", (_, served) =>
        {
            served[^1] ^= 1;
            return Task.FromResult<byte[]?>(served);
        }),
        ["another partition's CRL"] = ("belongs elsewhere", async (story, _) =>
        {
            CrlScope scope = story.Stage.ScopeOf(story.Revoked);
            for (int i = 0; i < 3; i++)
            {
                await story.GoOnAsync(scope);
            }

            return await File.ReadAllBytesAsync(Path.Combine(story.Folder, scope.Path), Token);
        }),
    };

    public static TheoryData<string> Names => [.. Damages.Keys];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task SomethingElseInTheFolder_NothingLeaves_AndWhatWasPublishedIsPutBack(string name)
    {
        await using CrlStory story = await CrlStory.StartAsync();
        (string what, Func<CrlStory, byte[], Task<byte[]?>> damage) = Damages[name];
        byte[] published = story.Served();
        if (await damage(story, [.. published]) is { } bytes)
        {
            await File.WriteAllBytesAsync(story.File, bytes, Token);
        }
        else
        {
            File.Delete(story.File);
        }

        CrlRow row = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Refused, row.State);
        Assert.Contains(what, row.Detail, StringComparison.Ordinal);
        await story.ReadyAsync("unhealthy", what);

        await story.Stage.PublishAsync();
        Assert.Equal(published, story.Served());
        AuditLeaf leaf = Assert.Single(await story.LeavesAsync(PutCrl.RestoreAction));
        Assert.Equal(MakeCrl.ObjectOf(story.Scope), leaf.Object);
        Assert.Contains(leaf.Fields.OfType<AuditField.Text>(), field => field.Name == "found" && field.Value.Contains(what, StringComparison.Ordinal));
        await story.HealedAsync();
    }

    /// <summary>The old file is as it should be: that hides nothing.</summary>
    [Fact]
    public async Task WhatWasJudgedIsDamagedInTheDatabase_TheOldOneStays_AndReadinessSaysSo()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] published = story.Served();
        CrlRow row = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Judged, row.State);
        await story.Stage.RawAsync("UPDATE crl_part SET content = @Content WHERE crl_id = @CrlId AND part = 0", new { Content = "nothing"u8.ToArray(), row.CrlId });

        await story.Stage.PublishAsync();

        Assert.Equal(published, story.Served());
        await story.ReadyAsync("unhealthy", "not those that were judged");
    }

    /// <summary>A file may be changed and keep its length and its time.</summary>
    [Fact]
    public async Task AFileThatWasChangedInSecret_IsSeenByTheGate()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.PublishAsync();
        byte[] published = story.Served(), changed = story.Served();
        changed[^1] ^= 1;
        DateTime writtenAt = File.GetLastWriteTimeUtc(story.File);
        await File.WriteAllBytesAsync(story.File, changed, Token);
        File.SetLastWriteTimeUtc(story.File, writtenAt);

        CrlRow row = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Refused, row.State);
        await story.Stage.PublishAsync();
        Assert.Equal(published, story.Served());
        await story.HealedAsync();
    }

    [Fact]
    public async Task ACrlOfWhichTheDatabaseKnowsNothing_IsLeftAlone_AndNothingLeavesMeanwhile()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] published = story.Served();
        await File.WriteAllBytesAsync(story.File, (await SignAsync(story.Stage.Hierarchy.Sub, 99))!, Token);

        await story.RefusedAsync("which was published, but number 99 of the CA");
        (string status, string reason) = await story.ReadinessAsync();
        Assert.Equal("unhealthy", status);
        Assert.Contains("of which this database knows nothing", reason, StringComparison.Ordinal);

        // Nor once the database's own numbers have come so far.
        await story.Stage.RawAsync("UPDATE crl_number SET last_number = 98 WHERE authority_id = @Id AND shard = 'all'", new { story.Scope.Authority.Id });
        await story.RefusedAsync("which was published, but number 99 of the CA");
        Assert.Contains("of which this database knows nothing", (await story.ReadinessAsync()).Reason, StringComparison.Ordinal);

        // The right file is back.
        await File.WriteAllBytesAsync(story.File, published, Token);
        await story.HealedAsync();
    }

    /// <summary>What waits to be published is not lost while the folder is away, and no next one is made that would overtake it.</summary>
    [Theory]
    [InlineData("away", "is its disk mounted")]
    [InlineData("a file", "")]
    [InlineData("no room for the name", "")]
    public async Task AFolderThatCannotBeWritten_WhatIsJudgedWaits_AndIsPublishedAfterwards(string how, string because)
    {
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] before = story.Served();
        string place = how == "no room for the name" ? Path.GetDirectoryName(story.File)! : story.Folder;
        string kept = $"{story.Folder}-kept";
        CrlRow row = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Judged, row.State);

        Directory.Move(place, kept);
        if (how != "away")
        {
            await File.WriteAllTextAsync(place, "", Token);
        }

        try
        {
            await story.Stage.PublishAsync();
            await story.ReadyAsync("unhealthy", because);
            Assert.Equal(CrlState.Judged, (await story.LastAsync(story.Scope))!.State);
            Assert.Null(await story.TryMakeAsync());
        }
        finally
        {
            File.Delete(place);
            Directory.Move(kept, place);
        }

        Assert.Equal(before, story.Served());
        await story.Stage.PublishAsync();
        Assert.Equal(CrlState.Published, (await story.LastAsync(story.Scope))!.State);
        Assert.NotEqual(before, story.Served());
        Assert.Equal(2, (await story.LeavesAsync(PublishCrls.PublishAction)).Count);
        await story.HealedAsync();
    }

    /// <summary>The gate cannot see what relying parties have.</summary>
    [Fact]
    public async Task TheOnlyFolderIsAway_NothingLeaves()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        string kept = $"{story.Folder}-kept";
        Directory.Move(story.Folder, kept);
        try
        {
            CrlRow row = (await story.TryMakeAsync())!;
            Assert.Equal(CrlState.GivenUp, row.State);
            Assert.Contains("is its disk mounted", row.Detail, StringComparison.Ordinal);
            await story.ReadyAsync("unhealthy", "is its disk mounted");
        }
        finally
        {
            Directory.Move(kept, story.Folder);
        }

        await story.HealedAsync();
    }

    /// <summary>Two folders, and one of them is away, before the next one is made or after it: the other has it, nothing is taken back, and the first follows as soon as it is there.</summary>
    [Theory]
    [InlineData(0, "before")]
    [InlineData(1, "before")]
    [InlineData(0, "after")]
    [InlineData(1, "after")]
    public async Task OneOfTwoFolders_IsAway_TheOtherHasTheNewOne(int away, string when)
    {
        using var second = new TemporaryFolder();
        await using CrlStory story = await StartWithTwoAsync(second);
        string[] folders = [story.Folder, second.File("other")];
        string[] files = [.. folders.Select(folder => Path.Combine(folder, story.Scope.Path))];
        byte[] before = await File.ReadAllBytesAsync(files[1], Token);
        Assert.Equal(before, await File.ReadAllBytesAsync(files[0], Token));

        byte[] after;
        string kept = second.File("kept");
        try
        {
            if (when == "before")
            {
                Directory.Move(folders[away], kept);
            }

            CrlRow row = (await story.TryMakeAsync())!;
            Assert.True(row.State == CrlState.Judged, row.Detail);
            if (when == "after")
            {
                Directory.Move(folders[away], kept);
            }

            await story.Stage.PublishAsync();
            after = await File.ReadAllBytesAsync(files[1 - away], Token);
            Assert.NotEqual(before, after);
            Assert.Equal(CrlState.Published, (await story.LastAsync(story.Scope))!.State);
            await story.ReadyAsync("unhealthy", "is its disk mounted");

            // And the one after that.
            Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
            await story.Stage.PublishAsync();
            after = await File.ReadAllBytesAsync(files[1 - away], Token);
        }
        finally
        {
            Directory.Move(kept, folders[away]);
        }

        await story.Stage.PublishAsync();
        Assert.Equal(after, await File.ReadAllBytesAsync(files[away], Token));
        Assert.Equal(after, await File.ReadAllBytesAsync(files[1 - away], Token));

        // It was behind: nobody has touched it.
        Assert.Empty(await story.LeavesAsync(PutCrl.RestoreAction));
        Assert.Contains(await story.LeavesAsync(PutCrl.CopyAction), leaf => leaf.Object == MakeCrl.ObjectOf(story.Scope));
        await story.HealedAsync();
    }

    /// <summary>One folder is right; what the other one has decides.</summary>
    [Theory]
    [InlineData("the one before", true)]
    [InlineData("nothing", true)]
    [InlineData("a newer one of the CA", false)]
    [InlineData("an older one of which nobody knows", false)]
    [InlineData("garbage", false)]
    public async Task OneOfTwoFolders_HasSomethingElse(string what, bool leaves)
    {
        using var second = new TemporaryFolder();
        await using CrlStory story = await StartWithTwoAsync(second);
        byte[] earlier = story.Served();
        await story.GoOnAsync();
        string file = Path.Combine(second.File("other"), story.Scope.Path);
        File.Delete(file);
        byte[]? put = what switch
        {
            "the one before" => earlier,
            "nothing" => null,
            "a newer one of the CA" => await SignAsync(story.Stage.Hierarchy.Sub, 99),
            "an older one of which nobody knows" => await SignAsync(story.Stage.Hierarchy.Sub, 0),
            _ => "garbage"u8.ToArray(),
        };
        if (put is not null)
        {
            await File.WriteAllBytesAsync(file, put, Token);
        }

        CrlRow row = (await story.TryMakeAsync())!;
        Assert.True(row.State == (leaves ? CrlState.Judged : CrlState.Refused), row.Detail);
    }

    /// <summary>This node had it right, and then it was the one before: no other node does that.</summary>
    [Fact]
    public async Task AnEarlierOneComesBack_IsNoCatchingUp()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] earlier = story.Served();
        await story.GoOnAsync();
        byte[] published = story.Served();
        await story.Stage.PublishAsync();
        Assert.Empty(await story.LeavesAsync(PutCrl.RestoreAction));

        await File.WriteAllBytesAsync(story.File, earlier, Token);
        await story.Stage.PublishAsync();
        Assert.Equal(published, story.Served());
        AuditLeaf leaf = Assert.Single(await story.LeavesAsync(PutCrl.RestoreAction));
        Assert.Contains(leaf.Fields.OfType<AuditField.Octets>(), field => field.Name == "foundHash" && field.Value.Span.SequenceEqual(Sm3.HashData(earlier)));
        Assert.DoesNotContain(await story.LeavesAsync(PutCrl.CopyAction), each => each.Object == MakeCrl.ObjectOf(story.Scope));
    }

    /// <summary>Who signed that has the key: it is put right, and not forgotten.</summary>
    [Fact]
    public async Task ACrlOfTheCasKey_ThatTheServiceHasNotMade_IsKeptAside_AndReadinessGoesOnSayingIt()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.PublishAsync();
        byte[] published = story.Served(), forged = (await SignAsync(story.Stage.Hierarchy.Sub, 0))!;
        await File.WriteAllBytesAsync(story.File, forged, Token);

        await story.Stage.PublishAsync();
        Assert.Equal(published, story.Served());
        string hash = Convert.ToHexStringLower(Sm3.HashData(forged)), kept = Path.Combine(Path.GetDirectoryName(story.File)!, $".{hash}.found");
        Assert.Equal(forged, await File.ReadAllBytesAsync(kept, Token));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(kept));
        }

        AuditLeaf leaf = Assert.Single(await story.LeavesAsync(PutCrl.RestoreAction));
        Assert.Contains(leaf.Fields.OfType<AuditField.Octets>(), field => field.Name == "foundHash" && Convert.ToHexStringLower(field.Value.Span) == hash);
        await story.GoOnAsync();
        await story.ReadyAsync("unhealthy", hash);
    }

    /// <summary>A process died between the folder and the row.</summary>
    [Fact]
    public async Task WhatIsInTheFolderAlready_IsNotWrittenAgain()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CrlRow row = (await story.TryMakeAsync())!;
        byte[] bytes = (await story.Stage.Database.FindAsync<byte[]>("SELECT content FROM crl_part WHERE crl_id = @CrlId AND part = 0", row, Token))!;
        await File.WriteAllBytesAsync(story.File, bytes, Token);
        DateTime writtenAt = DateTime.UtcNow.AddHours(-1);
        File.SetLastWriteTimeUtc(story.File, writtenAt);

        await story.Stage.PublishAsync();
        Assert.Equal(CrlState.Published, (await story.LastAsync(story.Scope))!.State);
        Assert.Equal(writtenAt, File.GetLastWriteTimeUtc(story.File));
    }

    [Fact]
    public async Task WhatHasExpiredWhileItWaited_IsNotPublished_AndTheNextOneIsMade()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] before = story.Served();
        CrlRow row = (await story.TryMakeAsync())!;
        string kept = $"{story.Folder}-kept";
        Directory.Move(story.Folder, kept);
        await story.Stage.PublishAsync();
        Assert.Equal(CrlState.Judged, (await story.LastAsync(story.Scope))!.State);

        story.Clock.Pass(TimeSpan.FromDays(8));
        Directory.Move(kept, story.Folder);
        await story.Stage.PublishAsync();
        Assert.Equal(before, story.Served());
        CrlRow ended = (await story.Stage.Database.ReadAsync(transaction => CrlStore.FindNumberAsync(transaction, story.Scope, row.CrlNumber), Token))!;
        Assert.Equal(CrlState.GivenUp, ended.State);
        Assert.Contains(await story.LeavesAsync(MakeCrl.GiveUpAction), leaf => leaf.Object == MakeCrl.ObjectOf(story.Scope));
        await story.OrderAsync();
        await story.GoOnAsync();
    }

    /// <summary>Length and time are those that they were.</summary>
    [Fact]
    public async Task AFileThatWasChangedInSecret_IsPutRight_WithinTenMinutes()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.PublishAsync();
        byte[] published = story.Served(), changed = story.Served();
        changed[^1] ^= 1;
        DateTime writtenAt = File.GetLastWriteTimeUtc(story.File);
        await File.WriteAllBytesAsync(story.File, changed, Token);
        File.SetLastWriteTimeUtc(story.File, writtenAt);
        await story.Stage.PublishAsync();
        Assert.Equal(changed, story.Served());

        story.Clock.Pass(ServedCrls.ReadAnewAfter + TimeSpan.FromSeconds(1));
        await story.Stage.PublishAsync();
        Assert.Equal(published, story.Served());
    }

    /// <summary>Whoever may write to the folder does not make this service read, or write, elsewhere.</summary>
    [Theory]
    [InlineData("a link")]
    [InlineData("a pipe")]
    public async Task SomethingThatIsNoFile_IsNeitherReadNorFollowed_AndReplaced(string what)
    {
        Requires.Condition(OperatingSystem.IsLinux(), "links and pipes");
        using var elsewhere = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync();
        byte[] published = story.Served();

        // Even to the very bytes that are published.
        await File.WriteAllBytesAsync(elsewhere.File("copy"), published, Token);
        File.Delete(story.File);
        if (what == "a link")
        {
            File.CreateSymbolicLink(story.File, elsewhere.File("copy"));
        }
        else
        {
            PlainFolderTests.MakePipe(story.File);
        }

        Assert.Contains("no file of its own", (await story.TryMakeAsync())!.Detail, StringComparison.Ordinal);
        await story.Stage.PublishAsync();
        Assert.Null(new FileInfo(story.File).LinkTarget);
        Assert.Equal(published, story.Served());
        await story.HealedAsync();
        Assert.Equal(published, await File.ReadAllBytesAsync(elsewhere.File("copy"), Token));
    }

    [Fact]
    public async Task AFolderInItThatIsALink_IsNotFollowed()
    {
        Requires.Condition(OperatingSystem.IsLinux(), "links");
        using var elsewhere = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync();
        string folder = Path.GetDirectoryName(story.File)!;
        Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
        Directory.Move(folder, elsewhere.File("kept"));
        Directory.CreateDirectory(elsewhere.File("empty"));
        Directory.CreateSymbolicLink(folder, elsewhere.File("empty"));

        await story.Stage.PublishAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(elsewhere.File("empty")));
        Assert.Equal(CrlState.Judged, (await story.LastAsync(story.Scope))!.State);
        await story.ReadyAsync("unhealthy", "is a link");

        Directory.Delete(folder);
        Directory.Move(elsewhere.File("kept"), folder);
        await story.Stage.PublishAsync();
        await story.HealedAsync();
    }

    /// <summary>A node that stood still while others went on.</summary>
    [Fact]
    public async Task AnOlderOne_NeverTakesThePlaceOfANewerOne()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
        byte[] newer = (await SignAsync(story.Stage.Hierarchy.Sub, 99))!;
        await File.WriteAllBytesAsync(story.File, newer, Token);

        await story.Stage.PublishAsync();
        Assert.Equal(newer, story.Served());
        await story.ReadyAsync("unhealthy", "of which this database knows nothing");
    }

    [Fact]
    public async Task WhatAProcessThatDiedHasLeft_IsRemoved_AndWhatIsBeingWrittenIsNot()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        string folder = Path.GetDirectoryName(story.File)!;
        string left = Path.Combine(folder, ".0123.new"), written = Path.Combine(folder, ".4567.new");
        await File.WriteAllTextAsync(left, "", Token);
        await File.WriteAllTextAsync(written, "", Token);
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddDays(-2));

        await story.GoOnAsync();
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(written));
    }

    /// <summary>Before this service has published anything, what lies there counts: it is of the ceremony.</summary>
    [Fact]
    public async Task TheCeremonysCrl_IsWhatTheFirstOneIsComparedWith()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        Authority operations = story.Stage.Authorities.Operations;
        var scope = new CrlScope(operations, CrlScope.Complete);
        string file = Path.Combine(story.Folder, scope.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);

        // A number above, and then an entry of which the database knows nothing.
        await File.WriteAllBytesAsync(file, (await SignAsync(operations.Issuer, 5))!, Token);
        Assert.Contains("is not above 5", (await story.TryMakeAsync(scope))!.Detail, StringComparison.Ordinal);
        await story.Stage.RawAsync("UPDATE crl_number SET last_number = 5 WHERE authority_id = @Id", new { operations.Id });
        await File.WriteAllBytesAsync(file, (await SignAsync(operations.Issuer, 5, new CrlEntry(SerialNumber.Parse("4001"), Time.Truncate(DateTimeOffset.UtcNow.AddHours(-1)), RevocationReason.KeyCompromise)))!, Token);
        Assert.Contains("4001 vanished", (await story.TryMakeAsync(scope))!.Detail, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(file, (await SignAsync(operations.Issuer, 5))!, Token);
        await story.GoOnAsync(scope);
        Assert.True(CrlFile.Read(await File.ReadAllBytesAsync(file, Token)).Number > 5);
    }

    /// <summary>A complete CRL of that issuer, beside the service.</summary>
    internal static async Task<byte[]?> SignAsync(Issuer issuer, int number, params CrlEntry[] entries)
    {
        using var bytes = new MemoryStream();
        var request = new CrlRequest
        {
            Kind = CrlKind.Complete,
            Number = number,
            PreviousNumber = null,
            ThisUpdate = DateTimeOffset.UtcNow.AddMinutes(-1),
            NextUpdate = DateTimeOffset.UtcNow.AddDays(7),
            DistributionPoint = null,
            IssuerKeyIdentifier = issuer.KeyIdentifier,
        };
        await CrlIssuer.IssueAsync(issuer, request, entries, bytes, Token);
        return bytes.ToArray();
    }

    private static Task<CrlStory> StartWithTwoAsync(TemporaryFolder second)
    {
        string other = Directory.CreateDirectory(second.File("other")).FullName;
        return CrlStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:PublicationFolders:1"] = other });
    }
}
