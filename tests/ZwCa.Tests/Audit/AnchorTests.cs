using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Data;
using ZwCa.Audit.Sequencing;
using ZwCa.Tests.Asn1.Audit;

namespace ZwCa.Tests.Audit;

/// <summary>The files outside the database.</summary>
public sealed class AnchorTests : IDisposable
{
    private static readonly Checkpoint One = AuditSamples.Sign(AuditSamples.Tbs, 1);
    private static readonly Checkpoint Two = AuditSamples.Sign(AuditSamples.Overridden, 1);

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("anchor");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_appended_is_read_in_its_order()
    {
        var anchor = new Anchor(Path);
        Assert.Empty(anchor.Read());
        anchor.Append(One);
        new Anchor(Path).Append(Two);
        Assert.Equal([Der.Encode(One), Der.Encode(Two)], anchor.Read().Select(Der.Encode));
        Assert.Equal($"{Convert.ToBase64String(Der.Encode(One))}\n{Convert.ToBase64String(Der.Encode(Two))}\n", File.ReadAllText(Path));
    }

    [Fact]
    public void A_torn_last_line_counts_for_nothing_and_the_next_takes_its_place()
    {
        var anchor = new Anchor(Path);
        anchor.Append(One);
        byte[] whole = File.ReadAllBytes(Path);
        byte[] next = Encoding.ASCII.GetBytes(Convert.ToBase64String(Der.Encode(Two)));
        for (int length = 0; length <= next.Length; length++)
        {
            File.WriteAllBytes(Path, [.. whole, .. next[..length]]);
            Assert.Single(anchor.Read());
            anchor.Append(Two);
            Assert.Equal(2, anchor.Read().Count);
        }

        File.WriteAllBytes(Path, next[..10]);
        Assert.Empty(anchor.Read());
        anchor.Append(Two);
        Assert.Single(anchor.Read());
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("not base64\n")]
    [InlineData("MAA=\n")]
    [InlineData("MAA=\r\n")]
    [InlineData(" \n")]
    public void Another_line_is_an_error_that_names_the_file(string line)
    {
        var anchor = new Anchor(Path);
        anchor.Append(One);
        File.AppendAllText(Path, line);
        anchor.Append(Two);
        AnchorException refused = Assert.Throws<AnchorException>(anchor.Read);
        Assert.Contains(anchor.Path, refused.Message, StringComparison.Ordinal);
        Assert.Contains("Line 2", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData(" \n")]
    public void A_line_ends_with_a_line_feed_alone(string end)
    {
        var anchor = new Anchor(Path);
        anchor.Append(One);
        Assert.Single(anchor.Read());
        File.WriteAllText(Path, Convert.ToBase64String(Der.Encode(One)) + end);
        Assert.Throws<AnchorException>(anchor.Read);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_not_flushed()
    {
        Folder.Flush(System.IO.Path.GetDirectoryName(Path)!);
        Requires.Condition(!OperatingSystem.IsWindows(), "folders that can be flushed");
        Assert.Contains(Path, Assert.Throws<IOException>(() => Folder.Flush(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_has_grown_keeps_the_newest_lines_and_every_override()
    {
        byte[] old = [.. Encoding.ASCII.GetBytes(Convert.ToBase64String(Der.Encode(One))), (byte)'\n'];
        byte[] broken = [.. Encoding.ASCII.GetBytes(Convert.ToBase64String(Der.Encode(Two))), (byte)'\n'];
        File.WriteAllBytes(Path, [.. broken, .. Enumerable.Repeat(old, (1 << 20) / old.Length).SelectMany(line => line)]);
        var anchor = new Anchor(Path);
        Checkpoint newest = AuditSamples.Sign(new TbsCheckpoint(AuditSamples.Origin, 1, 500, new byte[32], AuditSamples.Time, new byte[32]), 1);
        anchor.Append(newest);
        IReadOnlyList<Checkpoint> kept = anchor.Read();
        Assert.Equal(1001, kept.Count);
        Assert.NotNull(kept[0].Tbs.Override);
        Assert.Equal(500, kept[^1].Tbs.TreeSize);
        Assert.False(File.Exists(Path + ".new"));
    }

    /// <summary>Whatever bytes lie there: read, or an error that names the file.</summary>
    [Fact]
    public void Any_file_is_read_or_refused()
    {
        var random = new TestRandom();
        var anchor = new Anchor(Path);
        anchor.Append(One);
        anchor.Append(Two);
        byte[] sound = File.ReadAllBytes(Path);
        for (int i = 0; i < (TestRandom.Long ? 100_000 : 1000); i++)
        {
            byte[] bent = [.. sound];
            bent[random.Next(bent.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Path, bent);
            try
            {
                Assert.InRange(anchor.Read().Count, 0, 2);
            }
            catch (AnchorException e)
            {
                Assert.Contains(anchor.Path, e.Message, StringComparison.Ordinal);
            }
        }
    }
}
