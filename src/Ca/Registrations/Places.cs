using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Ca.Registrations;

/// <summary>
/// What a subject says of the place: the registered names of the region's province and city, never a text of the request. A name is believed if two officers signed it, which is looked at once
/// by a process; what a row says, each time. Safe for concurrent use.
/// </summary>
internal sealed class Places(OrderedCommands commands)
{
    private const int CodeLength = 6;

    /// <summary>What officers signed, by code.</summary>
    private readonly ConcurrentDictionary<string, RegionEntry> _signed = [];

    /// <param name="region">GB/T 2260; it or the regions above it are registered.</param>
    /// <returns>ST, then L where there is a city; nothing for the nation.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.OutOfScope"/>: the region is not registered here, or not as officers signed it.</exception>
    public async Task<IReadOnlyList<SubjectText>> OfAsync(Transaction transaction, string region)
    {
        RegionLevel level = RegionCode.Parse(region).Level;
        var place = new List<SubjectText>();
        for (int digits = 2; digits <= 4 && digits <= 2 * (int)level; digits += 2)
        {
            string code = region[..digits].PadRight(CodeLength, '0');
            RegionRow row = await transaction.FindAsync<RegionRow>("SELECT code, parent, name FROM region WHERE code = @Code", new { Code = code })
                ?? throw new RefusalException(Refusal.OutOfScope, $"行政区划{code}尚未在CA登记。");
            place.Add(await IsSignedAsync(transaction, row)
                ? new SubjectText(digits == 2 ? Oids.StateOrProvinceName : Oids.LocalityName, row.Name)
                : throw new RefusalException(Refusal.OutOfScope, $"行政区划{code}的登记内容不是两名人员签署的，已停止使用，请联系CA管理员。"));
        }

        return place;
    }

    /// <returns>Codes of regions whose rows are not what officers signed.</returns>
    public async Task<IReadOnlyList<string>> ListUnsignedAsync(Transaction transaction)
    {
        await RememberAsync(transaction, each => !_signed.ContainsKey(each.Code));
        return [.. (await transaction.QueryAsync<RegionRow>("SELECT code, parent, name FROM region WHERE level > 0 ORDER BY code")).Where(row => !IsKnown(row)).Select(row => row.Code)];
    }

    private bool IsKnown(RegionRow row) => _signed.TryGetValue(row.Code, out RegionEntry? entry) && entry.Parent == row.Parent && entry.Name == row.Name;

    private async Task<bool> IsSignedAsync(Transaction transaction, RegionRow row)
    {
        if (!IsKnown(row))
        {
            await RememberAsync(transaction, each => each.Code == row.Code);
        }

        return IsKnown(row);
    }

    private async Task RememberAsync(Transaction transaction, Func<RegionEntry, bool> isWanted)
    {
        foreach (OrderedCommand command in await commands.ListAsync(transaction, OfficerActions.RegisterRegion, isWanted))
        {
            // A region is registered once: what came first.
            RegionEntry entry = Der.Decode<RegionEntry>(command.Body.Parameters);
            if (command.Region == entry.Code)
            {
                _signed.TryAdd(entry.Code, entry);
            }
        }
    }

    private sealed record RegionRow
    {
        public required string Code { get; init; }

        public required string Parent { get; init; }

        public required string Name { get; init; }
    }
}
