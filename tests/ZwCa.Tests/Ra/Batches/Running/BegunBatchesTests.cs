using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Batches;
using ZwCa.Tests.Ra.Batches.Import;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>How many batches an officer may begin before he goes on with them.</summary>
public sealed class BegunBatchesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task TwentyAreBegun_TheNextIsRefused_UntilOneIsMadeOrGivenUp(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        var desk = new ImportDesk(records);
        string first = await desk.OpenAsync(File(Person(1)));
        for (int i = 1; i < 20; i++)
        {
            await OpenAsync(records.OfCity);
        }

        Assert.Contains("20个批次", await RaRecords.RefusedAsync(Refusal.WrongState, () => OpenAsync(records.OfCity)), StringComparison.Ordinal);
        string ofAnother = await OpenAsync(records.OfOtherCity, RaRecords.OtherCity);

        await desk.RunAsync(first);
        await RaRecords.RefusedAsync(Refusal.WrongState, () => OpenAsync(records.OfCity));
        await desk.MakeAsync(first);
        await RaRecords.RefusedAsync(Refusal.WrongState, () => OpenAsync(records.OfCity));
        await desk.RunAsync(first);
        string last = await OpenAsync(records.OfCity);

        await RaRecords.RefusedAsync(Refusal.WrongState, () => OpenAsync(records.OfCity));
        await desk.Batches.DoAsync(records.OfCity, last, BatchTaskKind.Cancellation, "多余的批次", _ => Task.CompletedTask, Token);
        await OpenAsync(records.OfCity);
        Assert.NotEqual(last, ofAnother);

        Task<string> OpenAsync(Officer officer, string region = RaRecords.City) =>
            desk.Batches.OpenAsync(officer, new BatchRequest { Kind = "import", Region = region, Title = "档案局新办" }, (_, _) => Task.CompletedTask, Token);
    }
}
