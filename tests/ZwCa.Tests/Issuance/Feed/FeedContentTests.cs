using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Issuance.Feed;

/// <summary>The bytes are those of docs/PUBLICATION.md; any other bytes are refused, in memory that does not grow with what they claim.</summary>
public sealed class FeedContentTests
{
    private static readonly DateTimeOffset Time = new(2026, 3, 1, 8, 30, 15, TimeSpan.Zero);
    private static readonly int Rounds = TestRandom.Long ? 1_000_000 : 20_000;

    [Fact]
    public void AStatus_HasTheBytesOfTheDocument()
    {
        var writer = new FeedWriter();
        writer.Status(new FeedStatus(2, new byte[] { 0x40, 0xAA }, 3, DateTimeOffset.FromUnixTimeSeconds(0x65000000), RevocationReason.CertificateHold, DateTimeOffset.FromUnixTimeSeconds(0x70000000)));
        writer.Status(new FeedStatus(2, new byte[] { 0x41 }, 1, null, RevocationReason.Unspecified, DateTimeOffset.FromUnixTimeSeconds(1)));
        Assert.Equal(
            "03" + "0002" + "0240AA" + "0000000000000003" + "0000000065000000" + "06" + "0000000070000000"
            + "03" + "0002" + "0141" + "0000000000000001" + "0000000000000000" + "FF" + "0000000000000001",
            Convert.ToHexString(writer.ToArray()));
    }

    [Fact]
    public void Responses_HaveTheBytesOfTheDocument()
    {
        var writer = new FeedWriter();
        writer.Batch(new FeedBatch(2, 5, CertIdHash.Sm3, DateTimeOffset.FromUnixTimeSeconds(0x65000000), DateTimeOffset.FromUnixTimeSeconds(0x65000001)));
        writer.Response(new FeedResponse(new byte[] { 0x41 }, 9, new byte[] { 1, 2, 3 }));
        writer.Response(new FeedResponse(new byte[] { 0x42 }, 8, new byte[] { 4 }));
        Assert.Equal(
            "04" + "0002" + "0005" + "02" + "0000000065000000" + "0000000065000001" + "00000002"
            + "0141" + "0000000000000009" + "0003010203"
            + "0142" + "0000000000000008" + "000104",
            Convert.ToHexString(writer.ToArray()));
    }

    [Fact]
    public async Task WhatIsWritten_IsReadInItsOrder()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        FeedReader reader = new(Sample(ca.Certificate));
        var kinds = new List<FeedEntryKind>();
        while (reader.Read())
        {
            kinds.Add(reader.Kind);
            switch (reader.Kind)
            {
                case FeedEntryKind.Authority:
                    Assert.Equal(2, reader.Authority);
                    Assert.Equal(Der.Encode(ca.Certificate), reader.Encoded.ToArray());
                    break;
                case FeedEntryKind.Signer:
                    Assert.Equal((5, 2), (reader.Signer, reader.Authority));
                    Assert.True(reader.Encoded.IsEmpty);
                    break;
                case FeedEntryKind.Status:
                    Assert.Equal((Time, RevocationReason.KeyCompromise, 3L), (reader.Status.RevokedAt, reader.Status.Reason, reader.Status.Version));
                    break;
                case FeedEntryKind.Responses:
                    // The second is not read, and passed over.
                    Assert.Equal(2, reader.Count);
                    Assert.True(reader.TryReadResponse(out FeedResponse response));
                    Assert.Equal([7, 7], response.Signature.ToArray());
                    break;
                case FeedEntryKind.Crl:
                    Assert.Equal(("32-7", 12L, 345L), (reader.Crl.Shard, reader.Crl.Number, reader.Crl.Length));
                    break;
                default:
                    Assert.Equal(Der.Encode(ca.Certificate.Tbs.SubjectPublicKeyInfo), reader.Encoded.ToArray());
                    break;
            }
        }

        Assert.Equal(Enum.GetValues<FeedEntryKind>(), kinds);
    }

    [Fact]
    public async Task AnyBytes_AreEntriesOrRefused()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        byte[] sample = Sample(ca.Certificate);
        for (int length = 0; length < sample.Length; length++)
        {
            ReadAll(sample.AsMemory(0, length));
        }

        var random = new TestRandom();
        for (int i = 0; i < Rounds; i++)
        {
            byte[] bent = [.. sample];
            for (int j = random.Next(4); j >= 0; j--)
            {
                bent[random.Next(bent.Length)] = (byte)random.Next(256);
            }

            ReadAll(bent);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DerException>(() => ReadEntries(new byte[] { 4, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0x7F, 0xFF, 0xFF, 0xFF }));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Frames_AreWholeOrRefused()
    {
        byte[] statement = Der.Encode(Asn1.Feed.FeedSamples.Sign(Asn1.Feed.FeedSamples.Tbs(ZwCa.Asn1.Feed.FeedStatementKind.Segment, 1, new byte[32]), 1));
        byte[] frames = [.. FeedFrames.Write(statement, [1, 2, 3]), .. FeedFrames.Write(statement, [])];
        Assert.Equal([3, 0], FeedFrames.Read(frames).Select(each => each.Content.Length));
        int first = statement.Length + 11;
        for (int length = 1; length < frames.Length; length++)
        {
            if (length != first)
            {
                Assert.Throws<DerException>(() => FeedFrames.Read(frames.AsMemory(0, length)).Count());
            }
        }
    }

    private static byte[] Sample(Certificate certificate)
    {
        var writer = new FeedWriter();
        writer.Authority(2, certificate);
        writer.Signer(5, 2, null);
        writer.Status(new FeedStatus(2, new byte[] { 0x41 }, 3, Time, RevocationReason.KeyCompromise, Time.AddDays(1)));
        writer.Batch(new FeedBatch(2, 5, CertIdHash.Sha1, Time, Time.AddHours(1)));
        writer.Response(new FeedResponse(new byte[] { 0x41 }, 3, new byte[] { 7, 7 }));
        writer.Response(new FeedResponse(new byte[] { 0x42 }, 1, new byte[] { 8, 8 }));
        writer.Crl(new FeedCrl(2, "32-7", 12, 345, new byte[32]));
        writer.NextKey(certificate.Tbs.SubjectPublicKeyInfo);
        return writer.ToArray();
    }

    private static void ReadAll(ReadOnlyMemory<byte> content)
    {
        try
        {
            ReadEntries(content);
        }
        catch (DerException)
        {
            // Refused.
        }
    }

    private static void ReadEntries(ReadOnlyMemory<byte> content)
    {
        FeedReader reader = new(content);
        while (reader.Read())
        {
            while (reader.Kind == FeedEntryKind.Responses && reader.TryReadResponse(out _))
            {
            }
        }
    }
}
