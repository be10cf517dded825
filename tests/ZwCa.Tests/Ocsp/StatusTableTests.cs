using System.Buffers.Binary;
using System.Diagnostics;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Tests.Ocsp;

public sealed class StatusTableTests
{
    private static readonly DateTimeOffset Now = new(2026, 7, 1, 8, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Later = Now.AddHours(2);

    private readonly byte[] _signature = new byte[StatusTable.MaxSignature];

    [Fact]
    public void OfTwoStatuses_ThatWithTheGreaterVersionHolds()
    {
        var table = new StatusTable();
        Assert.True(table.Apply(Status([1], 5)));
        Assert.True(table.Apply(Status([1], 6, Now)));
        Assert.False(table.Apply(Status([1], 6)));
        Assert.False(table.Apply(Status([1], 5)));
        Assert.Equal((6, true, RevocationReason.KeyCompromise, 1), (Read(table, [1]).Version, Read(table, [1]).IsRevoked, Read(table, [1]).Reason, table.Count));

        // Suspension ends.
        Assert.True(table.Apply(Status([1], 7)));
        Assert.False(Read(table, [1]).IsRevoked);
    }

    /// <summary>Incident: an old *good* after a revocation.</summary>
    [Fact]
    public void AResponseOfAnOlderVersion_IsNoneAnyMore_AndNeverComesBack()
    {
        var table = new StatusTable();
        table.Apply(Status([1], 1));
        Assert.True(table.Apply(Batch(Now), Response([1], 1, 0xA1), Later));
        Assert.True(Read(table, [1]).HasResponse);

        table.Apply(Status([1], 2, Now));
        Assert.False(Read(table, [1]).HasResponse);
        Assert.False(table.Apply(Batch(Now.AddHours(1)), Response([1], 1, 0xA2), Later));
        Assert.False(table.Apply(Batch(Now.AddHours(1)), Response([1], 3, 0xA3), Later));
        Assert.False(Read(table, [1]).HasResponse);

        Assert.True(table.Apply(Batch(Now.AddHours(1)), Response([1], 2, 0xA4), Later));
        Assert.False(table.Apply(Batch(Now), Response([1], 2, 0xA5), Later));
        CertificateStatus status = Read(table, [1]);
        Assert.Equal((2, Now.AddHours(1).ToUnixTimeSeconds(), 64, (byte)0xA4), (status.Version, status.ThisUpdate, status.SignatureLength, _signature[63]));
    }

    /// <summary>A node of the CA had its clock ahead: nobody may be given what it signed, and what was right stays; and where nothing was there before, the next one takes its place though it is dated earlier.</summary>
    [Fact]
    public void AResponseFromTheFuture_TakesNobodysPlace_AndAnyOtherTakesItsOwn()
    {
        var table = new StatusTable();
        table.Apply(Status([1], 1));
        table.Apply(Status([2], 1));
        Assert.True(table.Apply(Batch(Now), Response([1], 1, 0xA1), Now));
        Assert.False(table.Apply(Batch(Now.AddSeconds(301)), Response([1], 1, 0xA2), Now));
        Assert.True(table.Apply(Batch(Now.AddSeconds(300)), Response([1], 1, 0xA3), Now));
        Assert.True(table.Apply(Batch(Now.AddHours(2)), Response([2], 1, 0xB1), Now));
        Assert.True(table.Apply(Batch(Now.AddHours(1)), Response([2], 1, 0xB2), Now));
        Assert.True(table.Apply(Batch(Now), Response([2], 1, 0xB3), Now));
        Assert.False(table.Apply(Batch(Now.AddHours(1)), Response([2], 1, 0xB4), Now));
        Assert.Equal((Now.ToUnixTimeSeconds(), (byte)0xB3), (Read(table, [2]).ThisUpdate, _signature[0]));

        // In any order, as after a start: of what is in time by now the later one, and what has ended keeps nobody out.
        foreach (int[] order in (int[][])[[0, 60], [60, 0]])
        {
            var again = new StatusTable();
            again.Apply(Status([1], 1));
            foreach (int minutes in order)
            {
                again.Apply(Batch(Now.AddMinutes(minutes)), Response([1], 1, (byte)minutes), Now.AddHours(2));
            }

            Assert.Equal((Now.AddHours(1).ToUnixTimeSeconds(), (byte)60), (Read(again, [1]).ThisUpdate, _signature[0]));
        }

        Assert.True(table.Apply(Batch(Now.AddDays(5)), Response([1], 1, 0xA4), Now.AddDays(4.9)));
    }

    [Fact]
    public void SerialNumbersAndCas_AreToldApart()
    {
        var table = new StatusTable();
        byte[] longest = [.. Enumerable.Repeat((byte)0x7F, 20)];
        table.Apply(Status([0x10], 1));
        table.Apply(Status([0x10, 0x00], 2));
        table.Apply(Status(longest, 3));
        table.Apply(Status([0x10], 4) with { Authority = 2 });
        Assert.Equal([1, 2, 3], new byte[][] { [0x10], [0x10, 0x00], longest }.Select(each => Read(table, each).Version));
        Assert.False(table.TryRead(1, longest.AsSpan(1), CertIdHash.Sha1, _signature, out _));
        Assert.True(table.TryRead(2, [0x10], CertIdHash.Sha1, _signature, out CertificateStatus other));
        Assert.Equal(4, other.Version);
        Assert.False(table.TryRead(3, [0x10], CertIdHash.Sha1, _signature, out _));
    }

    /// <summary>A signer with another kind of key: signatures of another length, in another place.</summary>
    [Fact]
    public void ASignatureMayBecomeLonger_AndEachHashHasItsOwn()
    {
        var table = new StatusTable();
        table.Apply(Status([1], 1));
        table.Apply(Batch(Now), Response([1], 1, 0xA1), Later);
        table.Apply(Batch(Now.AddHours(1)), Response([1], 1, 0xB1, 256), Later);
        table.Apply(Batch(Now) with { Hash = CertIdHash.Sm3 }, Response([1], 1, 0xC1), Later);
        Assert.Equal((256, (byte)0xB1), (Read(table, [1]).SignatureLength, _signature[255]));
        Assert.True(table.TryRead(1, [1], CertIdHash.Sm3, _signature, out CertificateStatus sm3));
        Assert.Equal((64, (byte)0xC1), (sm3.SignatureLength, _signature[0]));
        Assert.True(table.TryRead(1, [1], CertIdHash.Sha256, _signature, out CertificateStatus none));
        Assert.False(none.HasResponse);
    }

    [Fact]
    public void ExpiredCertificates_Go_AndTheirPlacesAreUsedAgain()
    {
        var table = new StatusTable();
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 3000; i++)
            {
                table.Apply(Status(Serial((round * 3000) + i), 1) with { NotAfter = Now.AddDays(round) });
                table.Apply(Batch(Now), Response(Serial((round * 3000) + i), 1, unchecked((byte)i)), Later);
            }

            Assert.Equal(round == 0 ? 0 : 3000, table.RemoveExpired(Now.AddDays(round).ToUnixTimeSeconds()));
            Assert.Equal(3000, table.Count);
            Assert.False(round > 0 && table.TryRead(1, Serial((round - 1) * 3000), CertIdHash.Sha1, _signature, out _));
            Assert.All(Enumerable.Range(round * 3000, 3000), i => Assert.True(Read(table, Serial(i)).HasResponse));
        }

        Assert.Equal(3000, table.Sample(10_000).Select(each => Convert.ToHexString(each.SerialNumber)).Distinct().Count());
    }

    /// <summary>Each version's time, signature and revocation follow from its number: whoever reads a mixture sees it.</summary>
    [Fact]
    public async Task WhileOneWrites_NobodySeesHalfOfAChange()
    {
        const int certificates = 64;
        var table = new StatusTable();
        using var end = new CancellationTokenSource();
        Task<long>[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(() => ReadAll(table, certificates, end.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        var clock = Stopwatch.StartNew();
        long version = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(TestRandom.Long ? 60 : 2))
        {
            version++;
            for (int i = 0; i < certificates; i++)
            {
                table.Apply(Status(Serial(i), version, version % 2 == 0 ? null : Time(version)) with { NotAfter = Time(version) });
                table.Apply(Batch(Time(version)) with { NextUpdate = Time(version + 7) }, Response(Serial(i), version, unchecked((byte)version), version % 3 == 0 ? 256 : 64), Later);
            }

            // Some go, and come again in another's place; the index is made anew now and then.
            if (version % 50 == 0)
            {
                table.RemoveExpired(Time(version + 1).ToUnixTimeSeconds());
                table.Apply(Status(Serial(1000 + (int)version), version) with { NotAfter = Time(1 << 30) });
            }
        }

        await end.CancelAsync();
        long[] read = await Task.WhenAll(readers);
        Assert.All(read, each => Assert.True(each > 100, $"A reader came to read only {each} times."));
        Assert.True(version > 100);
    }

    private static long ReadAll(StatusTable table, int certificates, CancellationToken end)
    {
        byte[] signature = new byte[StatusTable.MaxSignature];
        long[] last = new long[certificates];
        long read = 0;
        while (!end.IsCancellationRequested)
        {
            for (int i = 0; i < certificates; i++)
            {
                if (!table.TryRead(1, Serial(i), CertIdHash.Sha1, signature, out CertificateStatus status))
                {
                    continue;
                }

                long version = status.Version;
                Assert.True(version >= last[i], "It went backwards.");
                last[i] = version;
                Assert.Equal((Time(version).ToUnixTimeSeconds(), version % 2 == 0 ? -1 : Time(version).ToUnixTimeSeconds()), (status.NotAfter, status.RevokedAt));
                if (status.HasResponse)
                {
                    Assert.Equal((Time(version).ToUnixTimeSeconds(), Time(version + 7).ToUnixTimeSeconds(), version % 3 == 0 ? 256 : 64), (status.ThisUpdate, status.NextUpdate, status.SignatureLength));
                    Assert.False(signature.AsSpan(0, status.SignatureLength).ContainsAnyExcept(unchecked((byte)version)));
                    read++;
                }
            }
        }

        return read;
    }

    [Fact]
    public void ACertificateTakesAboutTwoHundredBytes()
    {
        // Other tests take and free memory meanwhile: of a few measurements one is undisturbed.
        Assert.Contains(Enumerable.Range(0, 6).Select(_ => Measure()), each => each is >= 100 and <= 250);
    }

    /// <returns>Bytes for each certificate.</returns>
    private static long Measure()
    {
        int count = TestRandom.Long ? 1_000_000 : 100_000;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var table = new StatusTable();
        for (int i = 0; i < count; i++)
        {
            table.Apply(Status(Serial(i), 1));
            table.Apply(Batch(Now), Response(Serial(i), 1, 1), Later);
        }

        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        GC.KeepAlive(table);
        return each;
    }

    private static byte[] Serial(int number)
    {
        byte[] serial = new byte[16];
        serial[0] = 0x40;
        BinaryPrimitives.WriteInt32BigEndian(serial.AsSpan(12), number);
        return serial;
    }

    private static DateTimeOffset Time(long version) => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000 + version);

    private static FeedStatus Status(byte[] serial, long version, DateTimeOffset? revokedAt = null) =>
        new(1, serial, version, revokedAt, revokedAt is null ? RevocationReason.Unspecified : RevocationReason.KeyCompromise, Now.AddYears(1));

    private static FeedBatch Batch(DateTimeOffset thisUpdate) => new(1, 1, CertIdHash.Sha1, thisUpdate, thisUpdate.AddDays(4));

    private static FeedResponse Response(byte[] serial, long version, byte fill, int length = 64) => new(serial, version, Enumerable.Repeat(fill, length).ToArray());

    private CertificateStatus Read(StatusTable table, byte[] serial)
    {
        Assert.True(table.TryRead(1, serial, CertIdHash.Sha1, _signature, out CertificateStatus status));
        return status;
    }
}
