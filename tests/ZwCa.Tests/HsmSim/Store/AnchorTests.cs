using System.Security.Cryptography;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class AnchorTests : IDisposable
{
    private const int SlotLength = 4096;

    private readonly TemporaryFolder _folder = new();
    private readonly TestRandom _random = new();
    private readonly MasterKey _master = new(RandomNumberGenerator.GetBytes(MasterKey.Length));
    private readonly byte[] _id = RandomNumberGenerator.GetBytes(PartitionHeader.IdLength);

    private string Path => _folder.File("anchor");

    public void Dispose()
    {
        _master.Dispose();
        _folder.Dispose();
    }

    /// <summary>A power loss may leave anything in what was written since the last flush.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void WhateverIsUnflushed_MayBeTorn(int writesBetweenFlushes)
    {
        long sequence = 1;
        Anchor.Make(Path, _master, _id, Position(sequence)).Dispose();
        for (int round = 0; round < 4; round++)
        {
            byte[] flushed = File.ReadAllBytes(Path);
            using Anchor anchor = Anchor.Open(Path, _master, _id);
            long flushedAt = sequence;
            for (int i = 0; i < writesBetweenFlushes; i++)
            {
                anchor.Write(Position(++sequence));
                RequireSurvives(File.ReadAllBytes(Path), flushed, flushedAt);
            }

            anchor.Flush();
            flushed = File.ReadAllBytes(Path);
            anchor.Write(Position(++sequence));
            RequireSurvives(File.ReadAllBytes(Path), flushed, sequence - 1);
        }
    }

    [Fact]
    public void Loss_GoesBackToWhatWasFlushed()
    {
        using (Anchor anchor = Anchor.Make(Path, _master, _id, Position(1)))
        {
            anchor.Write(Position(2));
            anchor.Write(Position(3));
            anchor.Flush();
            anchor.Flush();
            anchor.Write(Position(4));
            anchor.Write(Position(5));
            anchor.LoseUnflushed();
        }

        using Anchor again = Anchor.Open(Path, _master, _id);
        Assert.Equal(Position(3), again.Position);
    }

    private static JournalPosition Position(long sequence) => new(7, sequence, (UInt128)sequence * 11);

    private void RequireSurvives(byte[] now, byte[] flushed, long flushedAt)
    {
        byte[] torn = [.. now];
        for (int slot = 0; slot < 2; slot++)
        {
            Span<byte> content = torn.AsSpan(slot * SlotLength, SlotLength);
            if (!content.SequenceEqual(flushed.AsSpan(slot * SlotLength, SlotLength)))
            {
                _random.NextBytes(content);
            }
        }

        string path = _folder.File("torn");
        File.WriteAllBytes(path, torn);
        using Anchor anchor = Anchor.Open(path, _master, _id);
        Assert.Equal(Position(flushedAt), anchor.Position);
    }
}
