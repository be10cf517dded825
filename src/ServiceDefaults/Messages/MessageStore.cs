using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>An answer of HTTP. Headers other than the content type are not kept.</summary>
internal sealed record Answer(int Status, string? ContentType, byte[] Body);

/// <summary>How a request was answered before: with these bytes, or with what the endpoint makes of the rows that <paramref name="Rows"/> names.</summary>
internal sealed record EarlierAnswer(Answer? Bytes, string? Rows);

/// <summary>Which requests are being run and how they were answered: the table <c>message_answer</c>. Several nodes may share it.</summary>
/// <param name="claimFor">How long a node that has died while it ran a request keeps others from it.</param>
internal sealed class MessageStore(Database database, TimeSpan claimFor)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Takes the request for one run; of several that try at once, in whatever process, one gets it. The run ends with <see cref="AnswerAsync"/>, or
    /// <see cref="ReleaseAsync"/>, or when the claim has expired.
    /// </summary>
    /// <param name="runId">New for each call, 16 bytes.</param>
    /// <returns>Null: run it. Otherwise it was answered before.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Duplicate"/>: another request had this id. <see cref="Refusal.InProgress"/>: it is being run.
    /// <see cref="Refusal.Expired"/>: it would have to be run, and was signed more than five minutes before or after now.
    /// </exception>
    public Task<EarlierAnswer?> ClaimAsync(SignedMessage message, Sm2Signature signature, byte[] runId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool fresh = IsFresh(message, now);
        byte[] encodedSignature = Der.Encode(signature);
        return database.WriteAsync(
            async transaction =>
            {
                var parameters = new
                {
                    Sender = message.Sender.ToString(),
                    Id = message.Id.ToString(),
                    RequestHash = message.RequestHash.ToArray(),
                    Message = message.Bytes.ToArray(),
                    Signature = encodedSignature,
                    RunId = runId,
                    Now = now,
                    ClaimedUntil = now + claimFor,
                };

                // Step 1: an id that nobody has seen. The primary key lets one of several callers through.
                if (fresh && await transaction.TryInsertAsync(
                    """
                    INSERT INTO message_answer
                        (sender_serial, request_id, request_hash, message, signature, first_seen_at, run_id, claimed_until, state)
                    VALUES (@Sender, @Id, @RequestHash, @Message, @Signature, @Now, @RunId, @ClaimedUntil, 0)
                    """,
                    parameters))
                {
                    return null;
                }

                // Step 2: what the id stands for.
                Row? row = await FindAsync(transaction, message);
                if (row is not null && !row.RequestHash.AsSpan().SequenceEqual(message.RequestHash.Span))
                {
                    throw new RefusalException(Refusal.Duplicate, "同一请求编号已用于另一个请求。");
                }

                if (row?.Earlier is { } earlier)
                {
                    return earlier;
                }

                if (row is not null && row.ClaimedUntil > now)
                {
                    throw InProgress();
                }

                // Step 3: it has to be run, and what is run is new: an old message that somebody kept is not.
                if (!fresh)
                {
                    throw Expired();
                }

                int taken = await transaction.ExecuteAsync(
                    """
                    UPDATE message_answer SET message = @Message, signature = @Signature, run_id = @RunId, claimed_until = @ClaimedUntil
                    WHERE sender_serial = @Sender AND request_id = @Id AND state = 0 AND claimed_until <= @Now
                    """,
                    parameters);
                return taken == 1 ? null : throw InProgress();
            },
            cancellationToken);
    }

    /// <summary>Keeps the answer, in the transaction of the change that it tells of.</summary>
    /// <returns>False: the run had expired and another call has taken the request.</returns>
    public static async Task<bool> AnswerAsync(Transaction transaction, SignedMessage message, byte[] runId, EarlierAnswer answer, DateTimeOffset now)
    {
        int changed = await transaction.ExecuteAsync(
            """
            UPDATE message_answer
            SET state = @State, answered_at = @Now, status = @Status, content_type = @ContentType, body = @Body, row_reference = @Rows
            WHERE sender_serial = @Sender AND request_id = @Id AND state = 0 AND run_id = @RunId
            """,
            new
            {
                Sender = message.Sender.ToString(),
                Id = message.Id.ToString(),
                RunId = runId,
                State = answer.Bytes is null ? State.FromRows : State.FromBytes,
                Now = now,
                Status = (short?)answer.Bytes?.Status,
                answer.Bytes?.ContentType,
                answer.Bytes?.Body,
                answer.Rows,
            });
        return changed == 1;
    }

    /// <summary><see cref="AnswerAsync"/> by itself, after a change that is done.</summary>
    public Task<bool> KeepAsync(SignedMessage message, byte[] runId, Answer answer, DateTimeOffset now) =>
        database.WriteAsync(transaction => AnswerAsync(transaction, message, runId, new EarlierAnswer(answer, null), now));

    /// <summary>Lets a retry run it at once. The id goes on to stand for this request.</summary>
    public Task ReleaseAsync(SignedMessage message, byte[] runId) => database.WriteAsync(transaction => transaction.ExecuteAsync(
        "UPDATE message_answer SET claimed_until = 0 WHERE sender_serial = @Sender AND request_id = @Id AND state = 0 AND run_id = @RunId",
        new { Sender = message.Sender.ToString(), Id = message.Id.ToString(), RunId = runId }));

    /// <returns>Null: not answered.</returns>
    public Task<EarlierAnswer?> FindAnswerAsync(SignedMessage message) =>
        database.ReadAsync(async transaction => (await FindAsync(transaction, message))?.Earlier);

    /// <summary>Signed within five minutes of now.</summary>
    public static bool IsFresh(SignedMessage message, DateTimeOffset now) =>
        Math.Abs(now.ToUnixTimeMilliseconds() - message.Created.ToUnixTimeMilliseconds()) <= Window.TotalMilliseconds;

    public static RefusalException Expired() => new(Refusal.Expired, "请求签名时间与服务器时间相差超过 5 分钟。");

    public static RefusalException InProgress() => new(Refusal.InProgress, "同一请求正在处理，请稍后重试。", LookAgain);

    private static Task<Row?> FindAsync(Transaction transaction, SignedMessage message) => transaction.FindAsync<Row>(
        """
        SELECT request_hash, claimed_until, state, status, content_type, body, row_reference FROM message_answer
        WHERE sender_serial = @Sender AND request_id = @Id
        """,
        new { Sender = message.Sender.ToString(), Id = message.Id.ToString() });

    private enum State : short
    {
        Open = 0,
        FromBytes = 1,
        FromRows = 2,
    }

    private sealed record Row
    {
        public required byte[] RequestHash { get; init; }

        public required DateTimeOffset ClaimedUntil { get; init; }

        public required State State { get; init; }

        public short? Status { get; init; }

        public string? ContentType { get; init; }

        public byte[]? Body { get; init; }

        public string? RowReference { get; init; }

        public EarlierAnswer? Earlier => State switch
        {
            State.FromBytes => new EarlierAnswer(new Answer(Status!.Value, ContentType, Body!), null),
            State.FromRows => new EarlierAnswer(null, RowReference),
            _ => null,
        };
    }
}
