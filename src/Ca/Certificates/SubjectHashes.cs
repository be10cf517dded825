using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ca.Certificates;

/// <summary>Subjects are known by <see cref="Name.HashCanonical"/>. An earlier version took SM3 of their DER: there another entity could have a subject that is taken.</summary>
internal static class SubjectHashes
{
    private const int Rows = 5;

    /// <summary>Looks at the oldest and the newest certificates. What is another hash altogether is for the re-audit to find.</summary>
    /// <exception cref="StartCheckException">The database is of the earlier version.</exception>
    public static Task CheckAsync(Database database, CancellationToken cancellationToken) => database.ReadAsync(
        async transaction =>
        {
            foreach (string order in (string[])["ASC", "DESC"])
            {
                foreach (HashedRow row in await transaction.QueryAsync<HashedRow>(
                    $"SELECT tbs, subject_hash FROM certificate WHERE tbs IS NOT NULL ORDER BY certificate_id {order} {transaction.Dialect.Limit(Rows)}"))
                {
                    if (IsEarlier(row))
                    {
                        throw new StartCheckException(
                            "The database is of an earlier version, which knew subjects by another hash; there is no way up from it. Run the version that wrote it, or begin with an empty database.");
                    }
                }
            }

            return true;
        },
        cancellationToken);

    private static bool IsEarlier(HashedRow row)
    {
        try
        {
            Name subject = Der.Decode<TbsCertificate>(row.Tbs).Subject;
            return row.SubjectHash.AsSpan().SequenceEqual(Sm3.HashData(Der.Encode(subject))) && !row.SubjectHash.AsSpan().SequenceEqual(subject.HashCanonical());
        }
        catch (DerException)
        {
            return false;
        }
    }

    private sealed record HashedRow
    {
        public required byte[] Tbs { get; init; }

        public required byte[] SubjectHash { get; init; }
    }
}
