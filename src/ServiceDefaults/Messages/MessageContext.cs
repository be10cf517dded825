using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// A signed message that holds, for the endpoint that does what it asks; an endpoint takes it as a parameter. The endpoint keeps the answer in the transaction
/// of its change, by one of the methods here, and is then run once. One that does not is run again where the node dies between change and answer, and
/// has to notice that by <see cref="MessageSender.SerialNumber"/> and <see cref="RequestId"/>.
/// </summary>
public sealed class MessageContext
{
    public const int MaxRowsLength = 128;
    private const string JsonType = "application/json; charset=utf-8";

    private readonly byte[] _runId;
    private readonly MessageOptions _options;
    private readonly JsonSerializerOptions _json;
    private readonly TimeProvider _time;

    internal MessageContext(
        SignedMessage message,
        Sm2Signature signature,
        ReadOnlyMemory<byte> body,
        MessageSender sender,
        byte[] runId,
        string? rows,
        MessageOptions options,
        JsonSerializerOptions json,
        TimeProvider time)
    {
        Message = message;
        Signature = signature;
        Body = body;
        Sender = sender;
        Rows = rows;
        _runId = runId;
        _options = options;
        _json = json;
        _time = time;
    }

    public MessageSender Sender { get; }

    /// <summary>The lines that were signed, for records that have to prove who asked.</summary>
    public SignedMessage Message { get; }

    public Sm2Signature Signature { get; }

    /// <summary>What was signed, whole: for endpoints that take bytes, which need no copy of the request's body then.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    public RequestId RequestId => Message.Id;

    /// <summary>
    /// Null: do it. Otherwise it was done before, and these are the rows that <see cref="AnswerWithRowsAsync"/> was given: change nothing, answer from them.
    /// </summary>
    public string? Rows { get; }

    /// <summary>One of the methods below was called; whether its transaction was committed, the table knows.</summary>
    internal bool MayBeAnswered { get; private set; }

    /// <summary>The answer that the endpoint returned out of its committed transaction.</summary>
    internal Answer? Committed { get; private set; }

    /// <summary>For minimal APIs: a parameter of this type.</summary>
    /// <exception cref="InvalidOperationException">The endpoint lacks RequireSignedMessage.</exception>
    public static ValueTask<MessageContext?> BindAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return ValueTask.FromResult<MessageContext?>(
            http.Features.Get<MessageContext>() ?? throw new InvalidOperationException("The endpoint does not require a signed message."));
    }

    /// <summary>
    /// Keeps the answer in the transaction of the change. The client gets these bytes, now and each time it asks. The endpoint returns the result out of the
    /// transaction: <c>return await database.WriteAsync(transaction => …)</c>; where it returns something else, the table is asked what was kept.
    /// </summary>
    /// <param name="body">Without personal data: it is kept for ever. Up to <see cref="MessageOptions.MaxAnswerLength"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.InProgress"/>: another call has taken the request; let it pass, so that nothing is changed.</exception>
    /// <exception cref="InvalidOperationException">Too long, or not a final answer.</exception>
    public async Task<IResult> AnswerAsync(Transaction transaction, int status, string contentType, byte[] body)
    {
        ArgumentException.ThrowIfNullOrEmpty(contentType);
        ArgumentNullException.ThrowIfNull(body);
        if (!AnswerBuffer.IsFinal(status) || body.Length > _options.MaxAnswerLength)
        {
            throw new InvalidOperationException($"An answer of status {status} and {body.Length} bytes is not kept.");
        }

        var answer = new Answer(status, contentType, body);
        await AnswerAsync(transaction, new EarlierAnswer(answer, null));
        return new CommittedAnswer(this, answer);
    }

    /// <summary>As <see cref="AnswerAsync(Transaction, int, string, byte[])"/>, with JSON as the service writes it.</summary>
    public Task<IResult> AnswerAsync<T>(Transaction transaction, int status, T body) =>
        AnswerAsync(transaction, status, JsonType, JsonSerializer.SerializeToUtf8Bytes(body, _json));

    /// <summary>
    /// Keeps in the transaction of the change which rows the answer is made from: for answers that change later (an envelope that is erased) or hold
    /// personal data. The endpoint makes the answer now, and again with <see cref="Rows"/> when it is asked again.
    /// </summary>
    /// <param name="rows">1 to 128 characters that the endpoint understands.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.InProgress"/>: another call has taken the request; let it pass, so that nothing is changed.</exception>
    public Task AnswerWithRowsAsync(Transaction transaction, string rows)
    {
        ArgumentException.ThrowIfNullOrEmpty(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows.Length, MaxRowsLength);
        return AnswerAsync(transaction, new EarlierAnswer(null, rows));
    }

    private async Task AnswerAsync(Transaction transaction, EarlierAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (Rows is not null)
        {
            throw new InvalidOperationException("The request was answered before.");
        }

        if (_runId.Length == 0)
        {
            throw new InvalidOperationException("A reading keeps no answer.");
        }

        MayBeAnswered = true;
        if (!await MessageStore.AnswerAsync(transaction, Message, _runId, answer, _time.GetUtcNow()))
        {
            throw MessageStore.InProgress();
        }
    }

    /// <summary>Whoever holds it has it from a transaction that was committed.</summary>
    private sealed class CommittedAnswer(MessageContext context, Answer answer) : IResult
    {
        /// <summary>The gate sends it.</summary>
        public Task ExecuteAsync(HttpContext httpContext)
        {
            context.Committed = answer;
            httpContext.Response.StatusCode = answer.Status;
            httpContext.Response.ContentType = answer.ContentType;
            return Task.CompletedTask;
        }
    }
}
