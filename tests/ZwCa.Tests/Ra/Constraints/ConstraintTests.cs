using System.Data.Common;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra.Constraints;

/// <summary>
/// The rules of an RA without any code of the service: each statement would break one, and the database refuses it. The last test proves that the statements fail for their rule and for nothing
/// else.
/// </summary>
public sealed class ConstraintTests
{
    private const string InsertSubscriber =
        """
        INSERT INTO subscriber (
            subscriber_id, kind, region, person_index, number_sealed, name_sealed, data_key_id, number, name, organization_id, organization_kind, version, registered_at, changed_at)
        """;

    private const string Person = InsertSubscriber + " VALUES (@New, 0, '350100', @FreeIndex, @Der, @Der, @Key, NULL, NULL, NULL, NULL, 1, 1, 1)";
    private const string Organization = InsertSubscriber + " VALUES (@New, 1, '350100', NULL, NULL, NULL, NULL, 'n9', 'x', NULL, NULL, 1, 1, 1)";
    private const string Device = InsertSubscriber + " VALUES (@New, 2, '350100', NULL, NULL, NULL, NULL, 'n9', 'x', @Organization, 1, 1, 1, 1)";

    private const string Enrollment =
        """
        INSERT INTO enrollment (
            enrollment_id, tracking_number, kind, state, version, round, region, city, profile, subscriber_id, applicant_index, agent_index, content_sealed, data_key_id, key_hash, certificate_issuer,
            certificate_serial, is_open, created_by, created_at, changed_at, due_at, reason)
        VALUES (@New, 't9', 1, 0, 1, 0, '350100', '350100', 'p', @Subscriber, @Applicant, @Agent, @Der, @Key, @FreeKey, 'aa', 'bb', 1, 'f1', 1, 1, NULL, NULL)
        """;

    private const string Submission =
        """
        INSERT INTO submission (
            enrollment_id, round, submitter_index, applicant_index, agent_index, submitter_serial, application_sealed, following_sealed, data_key_id, digest, entry, reviews, submitted_at)
        VALUES (@Unsubmitted, 1, @Submitter, @Applicant, @Agent, 'f1', @Der, NULL, @Key, @FreeKey, @Der, 1, 1)
        """;

    private const string Review =
        """
        INSERT INTO review (
            enrollment_id, round, number, submitter_index, applicant_index, agent_index, reviewer_index, reviewer_serial, reviewer_region, outcome, approval, reason, reviewed_at)
        VALUES (@Submitted, 1, 1, @Submitter, @Applicant, @Agent, @Reviewer, 'f2', '350100', 1, @Der, NULL, 1)
        """;

    private const string Returned =
        """
        INSERT INTO review (
            enrollment_id, round, number, submitter_index, applicant_index, agent_index, reviewer_index, reviewer_serial, reviewer_region, outcome, approval, reason, reviewed_at)
        VALUES (@Submitted, 1, 1, @Submitter, @Applicant, @Agent, @Reviewer, 'f2', '350100', 2, NULL, 'x', 1)
        """;

    private const string Outbox =
        """
        INSERT INTO outbox (
            outbox_id, enrollment_id, purpose, round, review_number, review_outcome, request_id, path, body_sealed, data_key_id, state, tries, try_after, claimed_until, added_at)
        VALUES (@New, @Approved, 1, 1, 1, 1, 'r9', '/x', @Der, @Key, 0, 0, 1, 0, 1)
        """;

    private const string Certificate =
        """
        INSERT INTO certificate (
            issuer, serial, half, pair_id, key_serial, enrollment_id, subscriber_id, region, profile, certificate, key_hash, state, not_before, not_after, proven_at, stored_at)
        VALUES ('aa', 's9', 0, NULL, NULL, @Approved, @Subscriber, '350100', 'p', @Der, @FreeKey, 1, 1, 2, NULL, 1)
        """;

    private const string Step = "INSERT INTO enrollment_step (enrollment_id, version, state, actor, reason, taken_at) VALUES (@Approved, 2, 1, 'f1', NULL, 1)";
    private const string Evidence = "INSERT INTO enrollment_evidence (enrollment_id, position, evidence_hash, title, added_at) VALUES (@Approved, 32, @File, 'x', 1)";
    private const string Delivery = "INSERT INTO delivery (enrollment_id, state, recipient, reminders, opened_at) VALUES (@Approved, 1, @Der, 0, 1)";

    private static readonly Dictionary<string, string> Breaches = new()
    {
        // Four eyes, by persons and not by officers.
        ["a review by the submitter"] = Review.Replace("@Agent, @Reviewer", "@Agent, @Submitter"),
        ["a review by the applicant"] = Review.Replace("@Agent, @Reviewer", "@Agent, @Applicant"),
        ["a review by the agent"] = Review.Replace("@Agent, @Reviewer", "@Agent, @Agent"),
        ["a review by a county's officer"] = Review.Replace("'350100'", "'350102'"),
        ["a review from a region that is not registered"] = Review.Replace("'350100'", "'359900'"),
        ["a review by somebody who is no person here"] = Review.Replace("@Reviewer", "@FreeIndex"),
        ["a review that names another submitter"] = Review.Replace("@Submitter, @Applicant", "@Other, @Applicant"),
        ["a review that names another applicant"] = Review.Replace("@Submitter, @Applicant", "@Submitter, @Other"),
        ["a review that names another agent"] = Review.Replace("@Applicant, @Agent", "@Applicant, @Other"),
        ["a review of a round that was not submitted"] = Review.Replace("@Submitted, 1, 1", "@Submitted, 2, 1"),
        ["a review of what nobody submitted"] = Review.Replace("@Submitted", "@Unsubmitted"),
        ["a second review by one person"] = Review.Replace("@Submitted, 1, 1", "@Approved, 1, 2"),
        ["a second review of one level"] = Review.Replace("@Submitted", "@Approved").Replace("@Reviewer", "@Other"),
        ["a fourth review"] = Review.Replace("@Submitted, 1, 1", "@Submitted, 1, 4"),
        ["an approval that nobody signed"] = Review.Replace("1, @Der, NULL", "1, NULL, NULL"),
        ["a return with an approval"] = Returned.Replace("2, NULL, 'x'", "2, @Der, 'x'"),
        ["a return without a reason"] = Returned.Replace("2, NULL, 'x'", "2, NULL, NULL"),
        ["a rejection without a reason"] = Returned.Replace("2, NULL, 'x'", "3, NULL, NULL"),
        ["an outcome that there is not"] = Returned.Replace("2, NULL, 'x'", "4, NULL, 'x'"),
        ["a review taken back"] = "DELETE FROM review",
        ["a review that says something else afterwards"] = "UPDATE review SET outcome = 1, approval = @Der WHERE enrollment_id = @Rejected",
        ["a submission by the applicant"] = Submission.Replace("@Submitter, @Applicant", "@Applicant, @Applicant"),
        ["a submission by the agent"] = Submission.Replace("@Submitter, @Applicant", "@Agent, @Applicant"),
        ["a submission by somebody who is no person here"] = Submission.Replace("@Submitter", "@FreeIndex"),
        ["a second submission in one round"] = Submission.Replace("@Unsubmitted", "@Submitted"),
        ["a submission of round 0"] = Submission.Replace("@Unsubmitted, 1", "@Unsubmitted, 0"),
        ["a submission that no review is asked for"] = Submission.Replace("@Der, 1, 1)", "@Der, 0, 1)"),
        ["a submission of no enrollment"] = Submission.Replace("@Unsubmitted", "@Unknown"),
        ["a submission by another afterwards"] = "UPDATE submission SET submitter_index = @Other WHERE enrollment_id = @Submitted",
        ["a submission that is forgotten"] = "DELETE FROM submission WHERE enrollment_id = @Submitted",

        // The CA is asked for what was approved.
        ["a question about what was not reviewed"] = Outbox.Replace("@Approved", "@Submitted"),
        ["a question about what was rejected"] = Outbox.Replace("@Approved", "@Rejected"),
        ["a question that owns up to a rejection"] = Outbox.Replace("@Approved, 1, 1, 1, 1", "@Rejected, 1, 1, 1, 2"),
        ["a question about another round"] = Outbox.Replace("@Approved, 1, 1, 1, 1", "@Approved, 1, 2, 1, 1"),
        ["a question about another review"] = Outbox.Replace("@Approved, 1, 1, 1, 1", "@Approved, 1, 1, 2, 1"),
        ["a question with the id of another"] = Outbox.Replace("'r9'", "'r1'"),
        ["a question that is moved to what was rejected"] = "UPDATE outbox SET enrollment_id = @Rejected",
        ["a question in no known state"] = Outbox.Replace("@Key, 0,", "@Key, 5,"),
        ["a question for no known purpose"] = Outbox.Replace("@Approved, 1, 1,", "@Approved, 4, 1,"),

        // Enrollments.
        ["a draft that says it is closed"] = Enrollment.Replace("'bb', 1,", "'bb', 0,"),
        ["a rejected one that says it is open"] = Enrollment.Replace("1, 0, 1, 0, '350100'", "1, 4, 1, 0, '350100'"),
        ["an archived one that says it is open"] = Enrollment.Replace("1, 0, 1, 0, '350100'", "1, 8, 1, 0, '350100'"),
        ["one that is rejected and goes on to be open"] = "UPDATE enrollment SET state = 4 WHERE enrollment_id = @Submitted",
        ["one that is said to be closed"] = "UPDATE enrollment SET is_open = 0 WHERE enrollment_id = @Submitted",
        ["a second open one of a key"] = Enrollment.Replace("@FreeKey", "@UsedKey"),
        ["a closed one that opens beside another of its key"] = "UPDATE enrollment SET state = 3, is_open = 1 WHERE enrollment_id = @Closed",
        ["a key that is nobody's"] = Enrollment.Replace("@FreeKey", "@FreeIndex"),
        ["a tracking number of two"] = Enrollment.Replace("'t9'", "'t1'"),
        ["a state that there is not"] = Enrollment.Replace("1, 0, 1, 0, '350100'", "1, 10, 1, 0, '350100'"),
        ["a kind that there is not"] = Enrollment.Replace("1, 0, 1, 0, '350100'", "10, 0, 1, 0, '350100'"),
        ["an enrollment of nobody"] = Enrollment.Replace("@Subscriber", "@Unknown"),
        ["an enrollment in a region that is not registered"] = Enrollment.Replace("'350100'", "'350199'"),
        ["half a certificate"] = Enrollment.Replace("'aa', 'bb'", "'aa', NULL"),
        ["version 0"] = "UPDATE enrollment SET version = 0 WHERE enrollment_id = @Submitted",
        ["a step that is taken twice"] = Step.Replace("@Approved, 2", "@Approved, 1"),
        ["a step that is forgotten"] = "DELETE FROM enrollment_step",
        ["a step by another"] = "UPDATE enrollment_step SET actor = 'f9'",
        ["a key of two owners"] = "INSERT INTO key_owner (key_hash, subscriber_id) VALUES (@UsedKey, @Device)",
        ["a key that changes hands"] = "UPDATE key_owner SET subscriber_id = @Device",
        ["a key that is forgotten"] = "DELETE FROM key_owner WHERE key_hash = @FreeKey",

        // Subscribers.
        ["a person without an index"] = Person.Replace("@FreeIndex", "NULL"),
        ["a person whose number is not sealed"] = Person.Replace("NULL, NULL, NULL, NULL, 1, 1, 1", "'n9', NULL, NULL, NULL, 1, 1, 1"),
        ["a person whose name is not sealed"] = Person.Replace("NULL, NULL, NULL, NULL, 1, 1, 1", "NULL, 'x', NULL, NULL, 1, 1, 1"),
        ["a person without a number"] = Person.Replace("@FreeIndex, @Der", "@FreeIndex, NULL"),
        ["a person sealed by no key"] = Person.Replace("@Key", "NULL"),
        ["a person sealed by an unknown key"] = Person.Replace("@Key", "@Unknown"),
        ["a person twice"] = Person.Replace("@FreeIndex", "@Applicant"),
        ["a person as an organisation"] = Person.Replace("@New, 0", "@New, 1"),
        ["an organisation as a person"] = Organization.Replace("@New, 1", "@New, 0"),
        ["an organisation without a number"] = Organization.Replace("'n9'", "NULL"),
        ["an organisation without a name"] = Organization.Replace("'x'", "NULL"),
        ["an organisation within another"] = Organization.Replace("'x', NULL, NULL", "'x', @Organization, 1"),
        ["an organisation with the index of a person"] = Organization.Replace("'350100', NULL", "'350100', @FreeIndex"),
        ["an organisation twice"] = Organization.Replace("'n9'", "'n1'"),
        ["an organisation with the id of another"] = Organization.Replace("@New", "@Organization"),
        ["a device of nobody"] = Device.Replace("@Organization, 1", "NULL, NULL"),
        ["a device of a person"] = Device.Replace("@Organization", "@Subscriber"),
        ["a device of a device"] = Device.Replace("@Organization", "@Device"),
        ["a device whose owner is said to be a device"] = Device.Replace("@Organization, 1", "@Device, 2"),
        ["a device with half an owner"] = Device.Replace("@Organization, 1", "@Organization, NULL"),
        ["a device twice"] = Device.Replace("'n9'", "'n2'"),
        ["a fourth kind of subscriber"] = Device.Replace("@New, 2", "@New, 3"),
        ["a subscriber in a region that is not registered"] = Device.Replace("'350100'", "'350199'"),
        ["a subscriber of version 0"] = Device.Replace("1, 1, 1, 1)", "1, 0, 1, 1)"),
        ["an organisation that becomes a device while it has some"] = "UPDATE subscriber SET kind = 2, organization_id = @Other16, organization_kind = 1 WHERE subscriber_id = @Organization",
        ["an owner who goes"] = "DELETE FROM subscriber WHERE subscriber_id = @Organization",

        // Evidence, certificates, deliveries.
        ["a thirty-third piece of evidence"] = Evidence.Replace("32,", "33,"),
        ["evidence at place 0"] = Evidence.Replace("32,", "0,"),
        ["two pieces at one place"] = Evidence.Replace("32,", "1,"),
        ["one piece twice"] = Evidence.Replace("@File", "@Shown"),
        ["evidence that nobody stored"] = Evidence.Replace("@File", "@FreeIndex"),
        ["evidence that goes while an enrollment has it"] = "DELETE FROM evidence WHERE evidence_hash = @Shown",
        ["evidence without its parts"] = "INSERT INTO evidence_part (evidence_hash, number, bytes_sealed) VALUES (@FreeIndex, 0, @Der)",
        ["evidence of no length"] = "UPDATE evidence SET length = 0",
        ["evidence that is half kept"] = "UPDATE evidence SET is_kept = 2",
        ["a certificate twice"] = Certificate.Replace("'s9'", "'s1'"),
        ["half of no pair"] = Certificate.Replace("'s9', 0", "'s9', 1"),
        ["a pair of one"] = Certificate.Replace("0, NULL", "0, @New"),
        ["a certificate of no enrollment"] = Certificate.Replace("@Approved", "@Unknown"),
        ["a certificate of nobody"] = Certificate.Replace("@Subscriber", "@Unknown"),
        ["a second delivery"] = Delivery.Replace("@Approved", "@Submitted"),
        ["a delivery of nothing"] = Delivery.Replace("@Approved", "@Unknown"),
        ["a second directory"] = "INSERT INTO ca_directory (directory_number, digest, pulled_at) VALUES (2, @FreeKey, 1)",
        ["a second highest checkpoint"] = "INSERT INTO ca_checkpoint (checkpoint_number, tree_size, checkpoint, seen_at) VALUES (2, 1, @Der, 1)",
    };

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NoStatement_BreaksARule(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        object parameters = await PrepareAsync(records);
        var accepted = new List<string>();
        foreach ((string rule, string sql) in Breaches)
        {
            try
            {
                // Where it goes through, it is rolled back, so that the others meet what they expect.
                await records.Database.WriteAsync(
                    async transaction =>
                    {
                        int rows = await transaction.ExecuteAsync(sql, parameters);
                        throw new InvalidOperationException($"{rows} rows");
                    },
                    Token);
            }
            catch (InvalidOperationException e)
            {
                accepted.Add($"{rule}: {e.Message}");
            }
            catch (DbException e) when (IsConstraint(e))
            {
                // As it should be.
            }
        }

        Assert.Empty(accepted);
    }

    /// <summary>The statements that the breaches are made from: unlike them, each goes through.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatKeepsTheRules_GoesThrough(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        object parameters = await PrepareAsync(records);
        foreach (string sql in (string[])
        [
            Person, Organization, Device, Enrollment, Submission, Review, Returned, Outbox, Certificate, Step, Evidence, Delivery,
            Review.Replace("@Submitted, 1, 1", "@Approved, 1, 2").Replace("@Reviewer", "@Other"),
            Returned.Replace("2, NULL, 'x'", "3, NULL, 'x'"),
            Enrollment.Replace("1, 0, 1, 0, '350100'", "1, 4, 1, 0, '350100'").Replace("'bb', 1,", "'bb', 0,").Replace("@FreeKey", "@UsedKey"),
            Certificate.Replace("0, NULL", "1, @New"),
        ])
        {
            int rows = 0;
            await Assert.ThrowsAsync<InvalidOperationException>(() => records.Database.WriteAsync(
                async transaction =>
                {
                    rows = await transaction.ExecuteAsync(sql, parameters);
                    throw new InvalidOperationException("Not kept: the next one has the same key.");
                },
                Token));
            Assert.Equal(1, rows);
        }
    }

    /// <summary>A constraint or a trigger said no; a statement that is merely wrong proves nothing.</summary>
    private static bool IsConstraint(DbException exception) => exception switch
    {
        Microsoft.Data.Sqlite.SqliteException sqlite => sqlite.SqliteErrorCode == SQLitePCL.raw.SQLITE_CONSTRAINT,
        Npgsql.PostgresException postgres => postgres.SqlState.StartsWith("23", StringComparison.Ordinal) || postgres.SqlState == "P0001",
        Microsoft.Data.SqlClient.SqlException server => server.Number is 515 or 547 or 2601 or 2627 or 51000,
        _ => false,
    };

    /// <summary>Persons who are all enrolled here, so that nothing but the rule keeps one of them from deciding; enrollments at each point of their way.</summary>
    internal static async Task<object> PrepareAsync(RaRecords records)
    {
        OfficerStory story = records.Story;
        var indexes = new List<byte[]>();
        for (int i = 0; i < 5; i++)
        {
            IdNumber number = OfficerStory.NewIdNumber();
            await story.EnrollAsync(number);
            indexes.Add(await story.Persons.IndexAsync(number, Token));
        }

        var parameters = new
        {
            New = Id(1),
            Unknown = Id(2),
            Organization = Id(3),
            Device = Id(4),
            Subscriber = Id(5),
            Unsubmitted = Id(6),
            Submitted = Id(7),
            Approved = Id(8),
            Rejected = Id(9),
            Closed = Id(10),
            Other16 = Id(11),
            Outbox1 = Id(12),
            Submitter = indexes[0],
            Applicant = indexes[1],
            Agent = indexes[2],
            Reviewer = indexes[3],
            Other = indexes[4],
            FreeIndex = Hash(1),
            FreeKey = Hash(2),
            UsedKey = Hash(3),
            File = Hash(4),
            Shown = Hash(5),
            Der = (byte[])[5, 0],
            Key = await story.Database.FindAsync<byte[]>("SELECT data_key_id FROM data_key", cancellationToken: Token),
        };
        foreach (string sql in (string[])
        [
            Organization.Replace("@New", "@Organization").Replace("'n9'", "'n1'"),
            Organization.Replace("@New", "@Other16").Replace("'n9'", "'n3'"),
            Device.Replace("@New", "@Device").Replace("'n9'", "'n2'"),
            Person.Replace("@New", "@Subscriber").Replace("@FreeIndex", "@Applicant"),
            "INSERT INTO key_owner (key_hash, subscriber_id) VALUES (@FreeKey, @Subscriber)",
            "INSERT INTO key_owner (key_hash, subscriber_id) VALUES (@UsedKey, @Subscriber)",
            Enrollment.Replace("@New", "@Unsubmitted").Replace("'t9'", "'t1'").Replace("@FreeKey", "NULL"),
            Enrollment.Replace("@New", "@Submitted").Replace("'t9'", "'t2'").Replace("@FreeKey", "@UsedKey"),
            Enrollment.Replace("@New", "@Approved").Replace("'t9'", "'t3'").Replace("@FreeKey", "NULL"),
            Enrollment.Replace("@New", "@Rejected").Replace("'t9'", "'t4'").Replace("@FreeKey", "NULL"),
            Enrollment.Replace("@New", "@Closed").Replace("'t9'", "'t5'").Replace("@FreeKey", "@UsedKey").Replace("1, 0, 1, 0, '350100'", "1, 9, 1, 0, '350100'").Replace("'bb', 1,", "'bb', 0,"),
            Submission.Replace("@Unsubmitted", "@Submitted"),
            Submission.Replace("@Unsubmitted", "@Approved"),
            Submission.Replace("@Unsubmitted", "@Rejected"),
            Review.Replace("@Submitted", "@Approved"),
            Returned.Replace("@Submitted", "@Rejected"),
            Outbox.Replace("@New", "@Outbox1").Replace("'r9'", "'r1'"),
            Step.Replace("@Approved, 2", "@Approved, 1"),
            Certificate.Replace("'s9'", "'s1'"),
            Delivery.Replace("@Approved", "@Submitted"),
            "INSERT INTO evidence (evidence_hash, media_type, length, data_key_id, is_kept, stored_at) VALUES (@File, 'x', 1, @Key, 0, 1), (@Shown, 'x', 1, @Key, 0, 1)",
            Evidence.Replace("32,", "1,").Replace("@File", "@Shown"),
        ])
        {
            await story.RawAsync(sql, parameters);
        }

        return parameters;
    }

    private static byte[] Id(byte of) => [.. Enumerable.Repeat(of, 16)];

    private static byte[] Hash(byte of) => [.. Enumerable.Repeat(of, 32)];
}
