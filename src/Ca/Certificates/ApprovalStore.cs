using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Certificates;

/// <summary>The rows of officers' approvals, inside one unit of work.</summary>
internal static class ApprovalStore
{
    /// <summary>Keeps an approval, once, however many applications it covers.</summary>
    /// <param name="known">By which the table has it already, and for ever; null: it came with the request.</param>
    /// <returns>SM3 of its DER: what it is known by.</returns>
    public static async Task<byte[]> RecordAsync(Transaction transaction, Approval approval, OfficerCertificate officer, byte[]? known, DateTimeOffset now)
    {
        if (known is not null)
        {
            return known;
        }

        byte[] bytes = Der.Encode(approval);
        byte[] hash = Sm3.HashData(bytes);
        await transaction.TryInsertAsync(
            "INSERT INTO approval (approval_hash, person_id, approval, recorded_at) VALUES (@Hash, @Person, @Approval, @Now)",
            new { Hash = hash, Person = officer.Identity.Person.ToArray(), Approval = bytes, Now = now });
        return hash;
    }

    /// <returns>DER of Approval; null: there is none of the hash.</returns>
    public static Task<byte[]?> FindAsync(Transaction transaction, byte[] hash) =>
        transaction.FindAsync<byte[]>("SELECT approval FROM approval WHERE approval_hash = @Hash", new { Hash = hash });
}
