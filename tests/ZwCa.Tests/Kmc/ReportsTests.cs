using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Kmc;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Reports;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>What ends by itself, and what is counted, on each database.</summary>
public sealed class ReportsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task KeysWhoseTimeIsOver_AreInHistory_AndCountedByCaAndMonth(DatabaseKind kind)
    {
        await using KmcScene scene = await KmcScene.StartAsync(kind);
        (SerialNumber first, SerialNumber second) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        var subscriber = new Person();
        await scene.SendAsync(scene.Story.ApplyRequest(first, subscriber.PublicKey), scene.Story.ApplyRequest(second, subscriber.PublicKey));
        await scene.SendAsync(scene.Story.Message(scene.Story.OtherCa, [scene.Story.ApplyRequest(first, subscriber.PublicKey)]), KmcScene.OtherLink);
        await scene.SendAsync(new RevokeKeyReq(second));

        Assert.Equal(0, await Expire(scene, TimeSpan.Zero).RunAsync(Token));
        Assert.Equal(2, await Expire(scene, TimeSpan.FromDays(6 * 366)).RunAsync(Token));
        Assert.Equal(0, await Expire(scene, TimeSpan.FromDays(6 * 366)).RunAsync(Token));
        Assert.Equal((0, 3), (await scene.CountAsync(KeyState.InUse), await scene.CountAsync(KeyState.History)));
        await scene.SettleAsync();
        Assert.Empty(await scene.Check.RunAsync(Token));

        KeyStatistics statistics = await new CountKeys(scene.Database, Options, new Ahead(TimeSpan.FromDays(17 * 366))).RunAsync(Token);
        Assert.Equal((1, 3), (statistics.Stock, statistics.PastRetention));
        Assert.Equal([(scene.Story.Ca.Name, 0, 2), (scene.Story.OtherCa.Name, 0, 1)], statistics.Cas.Select(each => (each.Ca, each.InUse, each.History)));
        Assert.Equal([(2L, 1L), (0L, 1L)], statistics.Cas[0].Months.Select(month => (month.Bound, month.Ended)));
        Assert.Equal([(1L, 0L), (0L, 1L)], statistics.Cas[1].Months.Select(month => (month.Bound, month.Ended)));

        IReadOnlyList<EscrowedKey> page = await scene.Database.ReadAsync(transaction => EscrowedKeyStore.ListOfCaAsync(transaction, 1, [], 1), Token);
        IReadOnlyList<EscrowedKey> next = await scene.Database.ReadAsync(transaction => EscrowedKeyStore.ListOfCaAsync(transaction, 1, page[0].KeyId, 10), Token);
        Assert.Equal([first.ToString(), second.ToString()], page.Concat(next).Select(row => row.Serial!).Order(StringComparer.Ordinal));
    }

    /// <summary>Some end at the same moment: of these the key ids say which comes next.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatIsOver_IsListedPageByPage_EachOnce(DatabaseKind kind)
    {
        await using KmcScene scene = await KmcScene.StartAsync(kind);
        SerialNumber[] serials = [.. Enumerable.Range(0, 4).Select(_ => EscrowStory.NextSerialNumber())];
        await scene.SendAsync([.. serials.Select(serial => scene.Story.ApplyRequest(serial, new Person().PublicKey))]);
        await scene.RawAsync("UPDATE escrowed_key SET valid_until = 5 WHERE serial = @Serial", new { Serial = serials[2].ToString() });
        await scene.RawAsync("UPDATE escrowed_key SET valid_until = 7 WHERE serial <> @Serial", new { Serial = serials[2].ToString() });
        var listed = new List<EscrowedKey>();
        for (EscrowedKey? after = null; ; after = listed[^1])
        {
            IReadOnlyList<EscrowedKey> page = await scene.Database.ReadAsync(transaction => EscrowedKeyStore.ListExpiredAsync(transaction, DateTimeOffset.UtcNow, after, 1), Token);
            if (page.Count == 0)
            {
                break;
            }

            listed.AddRange(page);
        }

        Assert.Equal(serials[2].ToString(), listed[0].Serial);
        Assert.Equal(serials.Select(serial => serial.ToString()).Order(StringComparer.Ordinal), listed.Select(row => row.Serial!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ARowThatWasChanged_DoesNotExpire()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        await scene.SendAsync(scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey));
        await scene.RawAsync("UPDATE escrowed_key SET valid_until = 1 WHERE state = 2");
        Assert.Equal(0, await Expire(scene, TimeSpan.Zero).RunAsync(Token));
        Assert.Equal(1, await scene.CountAsync(KeyState.InUse));
    }

    private static KmcOptions Options { get; } = new()
    {
        Name = "kmc",
        Hsm = new HsmOptions { Endpoint = "127.0.0.1:1", Partition = "kmc", ClientFolder = "" },
        Log = new LogKeyOptions { Origin = "zwca/kmc", KeyLabel = "log", Anchors = [] },
        EscrowKek = "escrow",
        MessageKey = "message",
        MessageCertificateFile = "message.pem",
        RowMacKey = "rows",
        PersonIndexKey = "person-index",
        DataKek = "data-kek",
        OfficerIssuerFiles = [],
    };

    private static ExpireKeys Expire(KmcScene scene, TimeSpan ahead) =>
        new(scene.Database, new AuditLog(TimeProvider.System), scene.Mac, new Ahead(ahead), NullLogger<ExpireKeys>.Instance);

    private sealed class Ahead(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
