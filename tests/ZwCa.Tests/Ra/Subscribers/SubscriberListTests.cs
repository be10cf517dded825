using System.Globalization;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Subscribers;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra.Subscribers;

public sealed class SubscriberListTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EachFilter_GivesWhatFits_PageByPage_AndNothingTwice(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        byte[] bureau = await records.RegisterAsync(records.Provincial, RaRecords.Organization(region: RaRecords.Province, name: "省厅"));
        var all = new List<(byte[] Id, string Region, SubscriberKind Kind, string? Name)> { (bureau, RaRecords.Province, SubscriberKind.Organization, "省厅") };
        string[] regions = [RaRecords.City, RaRecords.County, RaRecords.OtherCity];
        string[] names = ["门户", "门户甲", "门户甲", "门", "户", "门戸", "abc", "ABC", "门户\U0001F600", "门户（一）", "门%户", "门_户"];
        for (int i = 0; i < 24; i++)
        {
            string region = regions[i % regions.Length], name = names[i % names.Length];
            all.Add((
                await records.RegisterAsync(records.Provincial, RaRecords.Device(bureau, i.ToString("'device-'00", CultureInfo.InvariantCulture), region, name)), region, SubscriberKind.Device, name));
        }

        for (int i = 0; i < 6; i++)
        {
            string region = regions[i % regions.Length];
            all.Add((await records.RegisterAsync(records.Provincial, RaRecords.Person(OfficerStory.NewIdNumber(), region)), region, SubscriberKind.Person, null));
        }

        foreach (string? prefix in (string?[])[null, "门户", "门户甲", "门", "a", "A", "门%", "门_", "门户\U0001F600", "无"])
        {
            foreach (string region in (string[])[RaRecords.Province, RaRecords.City, RaRecords.County, RaRecords.OtherCity])
            {
                foreach (SubscriberKind? only in (SubscriberKind?[])[null, SubscriberKind.Person, SubscriberKind.Device])
                {
                    foreach (byte[]? organization in (byte[]?[])[null, bureau, new byte[16]])
                    {
                        string[] expected =
                        [
                            .. all.Where(each => RegionCode.Parse(region).Covers(RegionCode.Parse(each.Region)) && (only is null || only == each.Kind)
                                    && (prefix is null || each.Name?.StartsWith(prefix, StringComparison.Ordinal) == true)
                                    && (organization is null || (organization == bureau && each.Kind == SubscriberKind.Device)))
                                .Select(each => Convert.ToHexStringLower(each.Id)).Order(StringComparer.Ordinal),
                        ];
                        var filter = new SubscriberFilter { Region = RegionCode.Parse(region), Kind = only, NamePrefix = prefix, Organization = organization };
                        Assert.Equal(expected, (await ReadAsync(records, filter)).Order(StringComparer.Ordinal));
                    }
                }
            }
        }
    }

    /// <summary>Few fit among many: a page ends where it has looked at enough, and goes on.</summary>
    [Fact]
    public async Task WhereFewFit_APageLooksAtSoManyAndNoMore()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        byte[] bureau = await records.RegisterAsync(records.Provincial, RaRecords.Organization(region: RaRecords.Province));
        const int count = 10_600;
        await records.Database.WriteAsync(
            transaction => transaction.BulkInsertAsync(
                "subscriber",
                ["subscriber_id", "kind", "region", "number", "name", "organization_id", "organization_kind", "version", "registered_at", "changed_at"],
                [
                    .. Enumerable.Range(0, count).Select(i => (object?[])
                    [
                        Convert.FromHexString(i.ToString("x32", CultureInfo.InvariantCulture)), (short)2, i == count - 1 ? RaRecords.City : RaRecords.OtherCity, $"d{i}", "x", bureau, (short)1, 1L, 1L, 1L,
                    ]),
                ]),
            Token);
        var filter = new SubscriberFilter { Region = RegionCode.Parse(RaRecords.City), Organization = bureau };

        (IReadOnlyList<Subscriber> first, byte[]? next) = await records.Store.ListAsync(filter, [], 10, Token);
        Assert.Empty(first);
        Assert.NotNull(next);
        (IReadOnlyList<Subscriber> second, next) = await records.Store.ListAsync(filter, next, 10, Token);
        Assert.Equal($"d{count - 1}", Assert.Single(second).Number.Reveal());
        Assert.Null(next);
    }

    private static async Task<IReadOnlyList<string>> ReadAsync(RaRecords records, SubscriberFilter filter)
    {
        var ids = new List<string>();
        for (byte[]? after = []; after is not null;)
        {
            (IReadOnlyList<Subscriber> page, after) = await records.Store.ListAsync(filter, after, 5, Token);
            Assert.True(page.Count <= 5);
            ids.AddRange(page.Select(each => Convert.ToHexStringLower(each.Id)));
        }

        return ids;
    }
}
