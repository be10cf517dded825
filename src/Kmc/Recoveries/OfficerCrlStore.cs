using System.Globalization;
using System.Numerics;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Kmc.Recoveries;

/// <summary>The highest numbers of officers' revocation lists, by issuer, inside one unit of work.</summary>
internal static class OfficerCrlStore
{
    /// <returns>By issuer, in hexadecimal; there are as many as issuers are pinned, and as they have had names.</returns>
    public static async Task<IReadOnlyDictionary<string, BigInteger>> ListAsync(Transaction transaction) =>
        (await transaction.QueryAsync<CrlRow>("SELECT issuer_id, crl_number FROM officer_crl")).ToDictionary(row => Convert.ToHexStringLower(row.IssuerId), row => row.Number);

    /// <summary>Keeps a list's number, if it is higher than those before.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Expired"/>: it is lower; <see cref="Refusal.InProgress"/>: another one is being kept at this moment.</exception>
    public static async Task RaiseAsync(Transaction transaction, OfficerCrl crl, DateTimeOffset now)
    {
        byte[] issuer = crl.IssuerId.ToArray();
        string number = crl.Number.ToString(CultureInfo.InvariantCulture);
        if (await transaction.TryInsertAsync("INSERT INTO officer_crl (issuer_id, crl_number, seen_at) VALUES (@Issuer, @Number, @Now)", new { Issuer = issuer, Number = number, Now = now }))
        {
            return;
        }

        CrlRow seen = await transaction.GetAsync<CrlRow>("SELECT issuer_id, crl_number FROM officer_crl WHERE issuer_id = @Issuer", new { Issuer = issuer });
        if (crl.Number < seen.Number)
        {
            throw new RefusalException(Refusal.Expired, "吊销列表比已见过的旧。");
        }

        if (crl.Number > seen.Number && await transaction.ExecuteAsync(
            "UPDATE officer_crl SET crl_number = @Number, seen_at = @Now WHERE issuer_id = @Issuer AND crl_number = @Seen",
            new { Issuer = issuer, Number = number, Now = now, Seen = seen.CrlNumber }) == 0)
        {
            throw new RefusalException(Refusal.InProgress, "吊销列表正由另一报文更新，请稍后重试。", TimeSpan.FromSeconds(1));
        }
    }

    private sealed record CrlRow
    {
        public required byte[] IssuerId { get; init; }

        /// <summary>Decimal.</summary>
        public required string CrlNumber { get; init; }

        public BigInteger Number => BigInteger.Parse(CrlNumber, CultureInfo.InvariantCulture);
    }
}
