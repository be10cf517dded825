using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;

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
        using PreparedRequests ofNone = await PrepareAsync(none);
        using PreparedRequests ofHalf = await PrepareAsync(half);
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

    private static async Task<PreparedRequests> PrepareAsync(CaProcess ca)
    {
        await using Database database = ca.OpenDatabase();
        IReadOnlyList<string> serials = await database.QueryAsync<string>(
            "SELECT serial FROM certificate WHERE state = 2 AND ra_name IS NOT NULL ORDER BY serial LIMIT @Count", new { Count = 2 * Prepared });
        string issuer = Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span);
        return await PreparedRequests.CreateAsync(
            i =>
            {
                SerialNumber serial = SerialNumber.Parse(i < serials.Count ? serials[i] : throw new InvalidOperationException("All certificates are revoked by now: seed more."));
                byte[] body = Der.Encode(new StatusBody(new CertificateReference(ca.Issuers.Subscribers.KeyIdentifier, serial), RevocationReason.Superseded));
                var application = new Application(DecisionKind.Revoke, CaScene.Name, CaScene.RaName, CaScene.City, CaScene.NewEntity(), body);
                return PreparedRequests.Sign(ca, $"/certificates/{issuer}/{serial}/revocation", ca.Scene.Decide(application));
            },
            Prepared,
            Many,
            () => RawConnection.OpenAsync(ca.Address, ca.Scene.Ra.Link));
    }
}
