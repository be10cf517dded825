using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Certificates;

/// <summary>The rows, inside one unit of work.</summary>
internal static class IssuedCertificateStore
{
    /// <summary>Whether it may name a certificate: lower-case hexadecimal, both.</summary>
    public static bool IsReference(string? issuer, string? serial) => IsHex(issuer) && IsHex(serial);

    public static Task<IssuedCertificate?> FindAsync(Transaction transaction, string issuer, string serial) => transaction.FindAsync<IssuedCertificate>(
        $"SELECT {IssuedCertificate.Columns} FROM certificate WHERE issuer = @Issuer AND serial = @Serial", new { Issuer = issuer, Serial = serial });

    public static Task<IReadOnlyList<IssuedCertificate>> ListAsync(Transaction transaction, byte[] subscriberId) => transaction.QueryAsync<IssuedCertificate>(
        $"SELECT {IssuedCertificate.Columns} FROM certificate WHERE subscriber_id = @Id ORDER BY not_before, serial", new { Id = subscriberId });

    public static Task<IReadOnlyList<IssuedCertificate>> ListOfEnrollmentAsync(Transaction transaction, byte[] enrollmentId) => transaction.QueryAsync<IssuedCertificate>(
        $"SELECT {IssuedCertificate.Columns} FROM certificate WHERE enrollment_id = @Id ORDER BY half, serial", new { Id = enrollmentId });

    /// <summary>Whether a certificate was issued for the key before.</summary>
    public static async Task<bool> IsCertifiedAsync(Transaction transaction, byte[] keyHash) =>
        await transaction.GetAsync<long>("SELECT COUNT(*) FROM certificate WHERE key_hash = @KeyHash", new { KeyHash = keyHash }) > 0;

    /// <summary>What an answer of the CA shows, as the CA has it. Told twice it is one row.</summary>
    /// <param name="pair">Null: it is the only one.</param>
    public static async Task StoreAsync(Transaction transaction, Enrollment enrollment, CertificateAnswer answer, PairAnswer? pair, DateTimeOffset now)
    {
        Certificate certificate = Der.Decode<Certificate>(answer.Certificate ?? throw new InvalidDataException("The CA's answer has no certificate."));
        CertificateHalf half = pair is null ? CertificateHalf.Only : pair.Signing.Serial == answer.Serial ? CertificateHalf.Signing : CertificateHalf.Encryption;
        await transaction.TryInsertAsync(
            """
            INSERT INTO certificate (
                issuer, serial, half, pair_id, key_serial, enrollment_id, subscriber_id, region, profile, certificate, key_hash, state, not_before, not_after, stored_at)
            VALUES (
                @Issuer, @Serial, @Half, @PairId, @KeySerial, @EnrollmentId, @SubscriberId, @Region, @Profile, @Certificate, @KeyHash, @State, @NotBefore, @NotAfter, @Now)
            """,
            new
            {
                answer.Issuer,
                answer.Serial,
                Half = half,
                PairId = pair is null ? null : Convert.FromHexString(pair.Id),
                pair?.KeySerial,
                enrollment.EnrollmentId,
                enrollment.SubscriberId,
                enrollment.Region,
                enrollment.Profile,
                answer.Certificate,
                KeyHash = Sm3.HashData(Der.Encode(certificate.Tbs.SubjectPublicKeyInfo)),
                State = StateOf(answer),
                answer.NotBefore,
                answer.NotAfter,
                Now = now,
            });
    }

    /// <summary>What the CA has decided about a certificate is done to both of a pair, as the CA does.</summary>
    public static Task<int> SetStateAsync(Transaction transaction, IssuedCertificate certificate, CertificateState state) => transaction.ExecuteAsync(
        $"UPDATE certificate SET state = @State WHERE {(certificate.PairId is null ? "issuer = @Issuer AND serial = @Serial" : "pair_id = @PairId")} AND state <> @Revoked",
        new { certificate.Issuer, certificate.Serial, certificate.PairId, State = state, Revoked = CertificateState.Revoked });

    public static CertificateState StateOf(CertificateAnswer answer) => answer.State switch
    {
        "revoked" => CertificateState.Revoked,
        "held" => CertificateState.Held,
        _ => CertificateState.Valid,
    };

    private static bool IsHex(string? text) => text is { Length: > 0 and <= 64 } && text.All(char.IsAsciiHexDigitLower);
}
