using ZwCa.Asn1;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Ca.Registrations;

/// <summary>What a subject says of the place: the registered names of the region's province and city, never a text of the request.</summary>
internal static class Places
{
    private const int CodeLength = 6;

    /// <param name="region">GB/T 2260; it or the regions above it are registered.</param>
    /// <returns>ST, then L where there is a city; nothing for the nation.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.OutOfScope"/>: the region is not registered here.</exception>
    public static async Task<IReadOnlyList<SubjectText>> OfAsync(Transaction transaction, string region)
    {
        RegionLevel level = RegionCode.Parse(region).Level;
        var place = new List<SubjectText>();
        for (int digits = 2; digits <= 4 && digits <= 2 * (int)level; digits += 2)
        {
            string code = region[..digits].PadRight(CodeLength, '0');
            string name = await transaction.FindAsync<string>("SELECT name FROM region WHERE code = @Code", new { Code = code })
                ?? throw new RefusalException(Refusal.OutOfScope, $"行政区划{code}尚未在CA登记。");
            place.Add(new SubjectText(digits == 2 ? Oids.StateOrProvinceName : Oids.LocalityName, name));
        }

        return place;
    }
}
