using System.Data.Common;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Requests;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>Stands before every endpoint that requires a signed message: docs/MESSAGES.md, in the same steps.</summary>
internal sealed class MessageGate(
    ServiceOptions service,
    MessageOptions options,
    IOptions<JsonOptions> json,
    MessageStore store,
    FindMessageSender findSender,
    MessageEvents events,
    IMeterFactory meters,
    ILogger<ProblemMapping> logger,
    TimeProvider time)
{
    private const int MaxRoomAhead = 64 * 1024;

    private const string DoesNotHold = "报文签名未通过验证。";

    private readonly ProblemMapping _problems = new(
        http => http.Features.GetRequiredFeature<Ended>().Thrown is { } thrown ? Task.FromException(thrown) : Task.CompletedTask, meters, logger);

    /// <summary>For an endpoint that changes nothing: steps 1 to 6, and that the message is fresh. Nothing is kept.</summary>
    public async Task ReadAsync(HttpContext http, RequestDelegate endpoint)
    {
        Verified verified = await VerifyAsync(http);
        if (!MessageStore.IsFresh(verified.Message, time.GetUtcNow()))
        {
            Report(http, Refusal.Expired, "too old or too new", verified.Headers);
            throw MessageStore.Expired();
        }

        http.Features.Set(new MessageContext(verified.Message, verified.Headers.Signature, verified.Body, verified.Sender, [], null, options, json.Value.SerializerOptions, time));
        events.Run();
        await endpoint(http);
    }

    public async Task InvokeAsync(HttpContext http, RequestDelegate endpoint)
    {
        (SignedMessage message, MessageHeaders headers, ReadOnlyMemory<byte> body, MessageSender sender) = await VerifyAsync(http);

        // Step 7: run before, being run, or to be run by this call.
        byte[] runId = Ulid.Create(time.GetUtcNow());
        EarlierAnswer? earlier;
        try
        {
            earlier = await store.ClaimAsync(message, headers.Signature, runId, time.GetUtcNow(), http.RequestAborted);
        }
        catch (RefusalException e) when (e.Kind == Refusal.InProgress)
        {
            events.Busy();
            throw;
        }
        catch (RefusalException e)
        {
            Report(http, e.Kind, e.Kind == Refusal.Duplicate ? "id of another request" : "too old or too new", headers);
            throw;
        }

        FaultPoint.Reach("message.claimed");
        var context = new MessageContext(message, headers.Signature, body, sender, runId, earlier?.Rows, options, json.Value.SerializerOptions, time);
        http.Features.Set(context);
        if (earlier is null)
        {
            events.Run();
            await AnswerBuffer.SendAsync(http, await RunAsync(http, endpoint, context, runId));
            return;
        }

        events.Repeated();
        if (earlier.Bytes is not null)
        {
            await AnswerBuffer.SendAsync(http, earlier.Bytes);
            return;
        }

        // The endpoint makes the answer again, from the rows that it has named.
        await endpoint(http);
    }

    /// <returns>Whose message it is, and that it holds; not whether it is new.</returns>
    private async Task<Verified> VerifyAsync(HttpContext http)
    {
        // Step 1: the five headers, each once and in its one form; a target that fits into a line. A body that is packed is not the one that was signed.
        (string link, ClientKind kind) = (http.GetClient().Name, http.GetClient().Kind);
        string target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        MessageHeaders headers;
        try
        {
            headers = MessageHeaders.Read(http.Request.Headers);
        }
        catch (RefusalException e)
        {
            Report(e.Kind, "malformed headers", null);
            throw;
        }

        if (!SignedMessage.IsMethod(http.Request.Method) || !SignedMessage.IsTarget(target) || http.Request.Headers.ContentEncoding.Count > 0)
        {
            throw Refused(Refusal.Malformed, "malformed request", "请求行不符合要求，或者请求体带有编码。");
        }

        // Step 2: it is meant for this service.
        if (headers.Recipient != service.Name)
        {
            throw Refused(Refusal.BadSignature, "another recipient", DoesNotHold);
        }

        // Step 3: the sender, as he is now: asked again for every retry.
        MessageSender? sender;
        try
        {
            sender = await findSender(headers.Sender, http.RequestAborted);
        }
        catch (RefusalException e)
        {
            Report(e.Kind, "sender refused", headers);
            throw;
        }

        if (sender is null)
        {
            throw Refused(Refusal.BadSignature, "unknown sender", DoesNotHold);
        }

        // Step 4: the body, whole, before anybody reads in it. The server ends one that is longer than RequestLimits.BodyBytes.
        ArraySegment<byte> body = await ReadBodyAsync(http.Request);

        // Step 5: the signature. From here on the message is the sender's.
        var message = new SignedMessage(headers.Sender, headers.Recipient, http.Request.Method, target, headers.Id, headers.Created, Sm3.HashData(body));
        if (!message.IsSignedBy(sender.PublicKey, headers.Signature))
        {
            throw Refused(Refusal.BadSignature, "bad signature", DoesNotHold);
        }

        // Step 6: it came over the sender's own link; otherwise somebody has got hold of it.
        if (link != sender.LinkName || kind != sender.LinkKind)
        {
            throw Refused(Refusal.BadSignature, "another client's link", DoesNotHold);
        }

        http.Request.Body = new MemoryStream(body.Array!, body.Offset, body.Count, writable: false);
        return new Verified(message, headers, body, sender);

        RefusalException Refused(Refusal kind, string reason, string detail)
        {
            Report(kind, reason, headers);
            return new RefusalException(kind, detail);
        }

        void Report(Refusal kind, string reason, MessageHeaders? said) => this.Report(http, kind, reason, said);
    }

    private void Report(HttpContext http, Refusal kind, string reason, MessageHeaders? said) =>
        events.Refused(kind, reason, (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText, http.GetClient().Name, said);

    /// <summary>Runs the endpoint, and keeps its answer before anybody gets it.</summary>
    /// <returns>What to send.</returns>
    private async Task<Answer> RunAsync(HttpContext http, RequestDelegate endpoint, MessageContext context, byte[] runId)
    {
        // Step 8: the endpoint, its answer held back. A refusal is an answer too.
        SignedMessage message = context.Message;
        Answer answer;
        bool isFinal;
        try
        {
            (answer, isFinal) = await CollectAsync(http, endpoint);
        }
        catch
        {
            await ReleaseAsync(message, runId);
            throw;
        }

        FaultPoint.Reach("message.run");

        // Step 9: keep it, unless the endpoint has, in the transaction of its change: then what is kept is the answer.
        if (context.Committed is { } committed)
        {
            return committed;
        }

        if (context.MayBeAnswered && await store.FindAnswerAsync(message) is { } kept)
        {
            return kept.Bytes ?? answer;
        }

        if (!isFinal || answer.Body.Length > options.MaxAnswerLength)
        {
            await ReleaseAsync(message, runId);
            return !isFinal ? answer : throw new InvalidOperationException($"An answer of {answer.Body.Length} bytes is longer than what is kept.");
        }

        // Where this run took so long that another call has begun, that call answers.
        return await store.KeepAsync(message, runId, answer, time.GetUtcNow())
            ? answer
            : (await store.FindAnswerAsync(message))?.Bytes ?? throw MessageStore.InProgress();
    }

    /// <summary>An endpoint that throws, or says no with a bare status, gets the problem document that it would have got without this.</summary>
    private async Task<(Answer Answer, bool IsFinal)> CollectAsync(HttpContext http, RequestDelegate endpoint)
    {
        Exception? thrown = null;
        try
        {
            Answer answer = await AnswerBuffer.CollectAsync(http, endpoint);
            if (answer.Status < StatusCodes.Status400BadRequest || answer.ContentType is not null || answer.Body.Length > 0)
            {
                return (answer, AnswerBuffer.IsFinal(answer.Status));
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !http.RequestAborted.IsCancellationRequested)
        {
            // Cancelled because the time is up or the client has gone: that is answered where the limit is set, as without this.
            thrown = e;
        }

        // In a buffer of its own: what the endpoint had written until then is not part of it. A client that has gone asks again, and then hears it.
        http.Features.Set(new Ended(thrown));
        CancellationToken aborted = http.RequestAborted;
        http.RequestAborted = CancellationToken.None;
        Answer problem = await AnswerBuffer.CollectAsync(http, _problems.InvokeAsync);
        http.RequestAborted = aborted;
        bool passes = http.Response.Headers.RetryAfter.Count > 0 || thrown is RefusalException { Kind: Refusal.InProgress };
        return (problem, AnswerBuffer.IsFinal(problem.Status) && !passes);
    }

    private async Task ReleaseAsync(SignedMessage message, byte[] runId)
    {
        try
        {
            await store.ReleaseAsync(message, runId);
        }
        catch (Exception e) when (e is DbException or ObjectDisposedException)
        {
            // The claim expires by itself, and the caller has to hear of the first trouble, not of this.
            events.NotReleased(e, message);
        }
    }

    private static async Task<ArraySegment<byte>> ReadBodyAsync(HttpRequest request)
    {
        // The length is what the client says: room is made for what comes.
        using var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, MaxRoomAhead));
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        return new ArraySegment<byte>(body.GetBuffer(), 0, (int)body.Length);
    }

    private sealed record Verified(SignedMessage Message, MessageHeaders Headers, ReadOnlyMemory<byte> Body, MessageSender Sender);

    /// <param name="Thrown">Null: the endpoint set a bare status.</param>
    private sealed record Ended(Exception? Thrown);
}
