using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>What an officer entered, as he signed it: a row of the table <c>submission</c>, for good.</summary>
internal sealed record Submission
{
    public required byte[] EnrollmentId { get; init; }

    public required short Round { get; init; }

    public required byte[] SubmitterIndex { get; init; }

    public required byte[] ApplicantIndex { get; init; }

    public required byte[] AgentIndex { get; init; }

    public required string SubmitterSerial { get; init; }

    public required byte[] ApplicationSealed { get; init; }

    public byte[]? FollowingSealed { get; init; }

    public required byte[] DataKeyId { get; init; }

    public required byte[] Digest { get; init; }

    /// <summary>DER of Approval, or the SM3 of one that the table <c>approval</c> has: <see cref="GivenApproval"/>.</summary>
    public required byte[] Entry { get; init; }

    public required short Reviews { get; init; }

    public required DateTimeOffset SubmittedAt { get; init; }

    public static Task<Submission?> FindAsync(Transaction transaction, Enrollment enrollment) => transaction.FindAsync<Submission>(
        """
        SELECT enrollment_id, round, submitter_index, applicant_index, agent_index, submitter_serial, application_sealed, following_sealed, data_key_id, digest, entry, reviews, submitted_at
        FROM submission WHERE enrollment_id = @EnrollmentId AND round = @Round
        """,
        new { enrollment.EnrollmentId, enrollment.Round });

    public static (byte[] KeyId, byte[] Main, byte[]? Following) Seal(PersonRegistry persons, byte[] enrollmentId, int round, Applications applications)
    {
        (byte[] keyId, byte[][] values) = applications.Following is { } following
            ? persons.Seal(enrollmentId, (FieldOf("application", round), Der.Encode(applications.Main)), (FieldOf("following", round), Der.Encode(following)))
            : persons.Seal(enrollmentId, (FieldOf("application", round), Der.Encode(applications.Main)));
        return (keyId, values[0], values.ElementAtOrDefault(1));
    }

    public async Task<Applications> OpenAsync(PersonRegistry persons, CancellationToken cancellationToken)
    {
        byte[] main = await persons.OpenAsync(DataKeyId, EnrollmentId, FieldOf("application", Round), ApplicationSealed, cancellationToken);
        byte[]? following = FollowingSealed is null ? null : await persons.OpenAsync(DataKeyId, EnrollmentId, FieldOf("following", Round), FollowingSealed, cancellationToken);
        return new Applications(Der.Decode<Application>(main), following is null ? null : Der.Decode<Application>(following));
    }

    /// <summary>A person's index here: he is an officer, so he is in the registry.</summary>
    public static Task<byte[]> IndexOfAsync(Transaction transaction, Officer officer) =>
        transaction.GetAsync<byte[]>("SELECT id_number_index FROM person WHERE person_id = @Id", new { Id = officer.PersonId.ToArray() });

    private static string FieldOf(string name, int round) => $"{name}{round}";
}
