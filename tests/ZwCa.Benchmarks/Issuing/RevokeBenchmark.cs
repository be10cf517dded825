using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>Revocations a second, each decided by two officers, of the CA as it runs in production: with none revoked before, and with half of many.</summary>
internal static class RevokeBenchmark
{
    private const int Rounds = 7;
    private const int Many = 64;
    private const int Prepared = 12_000;
    private const double Bar = 0.8;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    /// <param name="stored">Certificates of the CA that is not empty.</param>
    public static async Task<int> RunAsync(int stored)
    {
        Machine.Print($"{Many} callers, each sends its next request when the last is answered; all processes share the cores");
        await using CaProcess none = await SeededCa.CreateAsync(2 * Prepared);
        await none.StartAsync();
        await using CaProcess half = await SeededCa.OpenAsync(stored, stored / 2);
        await half.StartAsync();
        string some = string.Create(CultureInfo.InvariantCulture, $"of {stored:N0} certificates {stored / 2:N0} revoked before");
        string first = string.Create(CultureInfo.InvariantCulture, $"of {2 * Prepared:N0} certificates none revoked before");
        using PreparedRequests ofNone = await PreparedRequests.ForRevocationsAsync(none, await PreparedRequests.ValidSerialsAsync(none, 2 * Prepared), Prepared, Many);
        using PreparedRequests ofHalf = await PreparedRequests.ForRevocationsAsync(half, await PreparedRequests.ValidSerialsAsync(half, 2 * Prepared), Prepared, Many);
        var load = new Load("Revocations", Rounds, Slice);
        load.Add(first, Many, 1, ofNone.SendAsync);
        load.Add(some, Many, 1, ofHalf.SendAsync);
        await load.RunAsync();
        if (stored != IssueBenchmark.StoredByDefault)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"not with 500,000 revoked, but with {stored / 2:N0}:"));
        }

        load.PrintRatio("revoke.at-500k.vs.empty", some, first, Bar);
        return 0;
    }
}
