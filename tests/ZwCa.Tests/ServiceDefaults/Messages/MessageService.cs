using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>A party that signs, with a link of its own.</summary>
internal sealed record Party(MessageSigner Signer, Sm2PublicKey PublicKey, HttpClient Link, X509Certificate2 Certificate);

/// <summary>The sample service with endpoints that take signed messages: over mutual TLS, with a clock that the test moves.</summary>
internal sealed class MessageService : IAsyncDisposable
{
    public const string Made = "made";

    private readonly List<IDisposable> _own = [];
    private readonly ConcurrentDictionary<SerialNumber, MessageSender> _senders = [];
    private readonly MessageOptions _options;

    private MessageService(MessageOptions options) => _options = options;

    public SampleService Sample { get; private set; } = null!;

    public Database Database => Sample.Database;

    public ManualClock Clock { get; } = new(DateTimeOffset.UtcNow);

    /// <summary>How often an endpoint was run.</summary>
    public int Runs;

    /// <summary>Endpoint <c>/slow</c> tells that it has begun, and waits.</summary>
    public SemaphoreSlim Begun { get; } = new(0);

    public SemaphoreSlim Continue { get; } = new(0);

    /// <summary>What <see cref="Act"/> does besides counting; may throw.</summary>
    public Func<MessageContext, Task> Act { get; set; } = _ => Task.CompletedTask;

    public ConcurrentDictionary<SerialNumber, bool> Disabled { get; } = [];

    /// <param name="database">Another than its own SQLite file.</param>
    public static async Task<MessageService> StartAsync(DatabaseOptions? database = null, MessageOptions? options = null, long bodyBytes = 1 << 20, string name = SampleService.Name,
        TimeSpan? requestTimeout = null)
    {
        var service = new MessageService(options ?? new MessageOptions());
        service.Sample = await SampleService.StartAsync(new SampleSetup
        {
            Options = plain => plain with
            {
                Name = name,
                Database = database ?? plain.Database,
                Limits = plain.Limits with
                {
                    BodyBytes = bodyBytes,
                    RequestsPerSecond = 100_000,
                    RequestsAtOnce = 100_000,
                    RequestTimeout = requestTimeout ?? plain.Limits.RequestTimeout,
                },
            },
            Add = service.Add,
            Map = service.Map,
        });
        await service.Database.WriteAsync(async transaction => await transaction.ExecuteAsync("CREATE TABLE IF NOT EXISTS thing (name varchar(64) NOT NULL)"));
        return service;
    }

    /// <summary>A new party, an RA, with a registered link.</summary>
    /// <param name="kind">What its link is registered as.</param>
    public async Task<Party> AddPartyAsync(string serialNumber, string linkName, Sm2PrivateKey? key = null, ClientKind kind = ClientKind.Ra)
    {
        key ??= Sm2PrivateKey.Generate();
        X509Certificate2 certificate = Sample.Ca.Issue(linkName, notBefore: DateTimeOffset.UtcNow.AddDays(-30));
        _own.AddRange([key, certificate]);
        await Sample.Clients.RegisterAsync(SampleService.Actor, certificate, linkName, kind);
        SerialNumber serial = SerialNumber.Parse(serialNumber);
        _senders[serial] = new MessageSender { SerialNumber = serial, PublicKey = key.PublicKey, LinkName = linkName, LinkKind = ClientKind.Ra };
        return new Party(new MessageSigner(serial, key), key.PublicKey, Sample.CreateClient(certificate), certificate);
    }

    /// <summary>A request of now.</summary>
    public Letter Write(Party party, string target = "/count/a?x=1", string body = "{}") => new(party)
    {
        Target = target,
        Body = body,
        Created = Clock.GetUtcNow(),
    };

    public async Task<long> CountThingsAsync() =>
        await Database.FindAsync<long>("SELECT COUNT(*) FROM thing", cancellationToken: TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Sample.DisposeAsync();
        _own.ForEach(each => each.Dispose());
        Begun.Dispose();
        Continue.Dispose();
    }

    private void Add(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<TimeProvider>(Clock);
        builder.Services.AddSignedMessages(_ => FindSenderAsync, _options);
    }

    private void Map(WebApplication app)
    {
        RouteGroupBuilder signed = app.MapGroup("/").RequireSignedMessage();

        // Keeps nothing itself: the gate does.
        signed.MapMethods("/count/{name}", ["POST", "PUT"], async (string name, string? x, MessageContext message) =>
        {
            int run = Interlocked.Increment(ref Runs);
            await Act(message);
            return TypedResults.Json(new { run, name, x }, statusCode: StatusCodes.Status201Created);
        });

        app.MapPost("/read", async (MessageContext message) =>
        {
            int run = Interlocked.Increment(ref Runs);
            await Act(message);
            return TypedResults.Json(new { run });
        }).RequireSignedReading();

        // Change and answer in one transaction.
        signed.MapPost("/make", async (MessageContext message, Database database) =>
        {
            Interlocked.Increment(ref Runs);
            return await database.WriteAsync(async transaction =>
            {
                await transaction.ExecuteAsync("INSERT INTO thing (name) VALUES (@Name)", new { Name = message.RequestId.ToString() });
                return await message.AnswerAsync(transaction, StatusCodes.Status201Created, new { Name = Made });
            });
        });

        // The same; what it returns afterwards is something else.
        signed.MapPost("/make-and-more", async (MessageContext message, Database database) =>
        {
            Interlocked.Increment(ref Runs);
            await database.WriteAsync(async transaction =>
            {
                await transaction.ExecuteAsync("INSERT INTO thing (name) VALUES (@Name)", new { Name = message.RequestId.ToString() });
                await message.AnswerAsync(transaction, StatusCodes.Status201Created, new { Name = Made });
            });
            await Act(message);
            return TypedResults.Text("not this");
        });

        // The answer is made from rows, which change afterwards.
        signed.MapPost("/pair", async (MessageContext message, Database database) =>
        {
            Interlocked.Increment(ref Runs);
            if (message.Rows is null)
            {
                await database.WriteAsync(async transaction =>
                {
                    await transaction.ExecuteAsync("INSERT INTO thing (name) VALUES (@Name)", new { Name = "envelope" });
                    await message.AnswerWithRowsAsync(transaction, "envelope");
                });
            }

            long there = await database.FindAsync<long>("SELECT COUNT(*) FROM thing WHERE name = @Name", new { Name = message.Rows ?? "envelope" });
            return TypedResults.Json(new { envelope = there > 0 ? "bytes" : "delivered" });
        });

        // Waits until its time is up; then it says so, or something of its own.
        signed.MapPost("/wait", async (string? then, HttpContext http) =>
        {
            Interlocked.Increment(ref Runs);
            await Task.Delay(TimeSpan.FromMinutes(1), http.RequestAborted)
                .ConfigureAwait(then is null ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.SuppressThrowing);
            return then == "refuse" ? throw new RefusalException(Refusal.WrongState, "测试") : TypedResults.Text("done");
        });

        // A mistake: who sends has no name.
        signed.MapPost("/open", () => Interlocked.Increment(ref Runs)).AllowAnonymous();

        signed.MapPost("/slow", async () =>
        {
            Interlocked.Increment(ref Runs);
            Begun.Release();
            await Continue.WaitAsync(TimeSpan.FromMinutes(1));
            return TypedResults.Text("done");
        });

        signed.MapPost("/slow-make", async (MessageContext message, Database database) =>
        {
            int run = Interlocked.Increment(ref Runs);
            Begun.Release();
            await Continue.WaitAsync(TimeSpan.FromMinutes(1));
            return await database.WriteAsync(async transaction =>
            {
                await transaction.ExecuteAsync("INSERT INTO thing (name) VALUES (@Name)", new { Name = message.RequestId.ToString() });
                return await message.AnswerAsync(transaction, StatusCodes.Status201Created, new { Run = run });
            });
        });

        signed.MapPost("/echo-signed", async (HttpRequest request) =>
        {
            Interlocked.Increment(ref Runs);
            using var reader = new StreamReader(request.Body);
            return TypedResults.Text(await reader.ReadToEndAsync());
        });
        signed.MapPost("/status/{code:int}", (int code) =>
        {
            Interlocked.Increment(ref Runs);
            return TypedResults.StatusCode(code);
        });
        signed.MapPost("/json", (Thing thing) => TypedResults.Ok(thing));
    }

    private Task<MessageSender?> FindSenderAsync(SerialNumber serialNumber, CancellationToken cancellationToken) =>
        Disabled.ContainsKey(serialNumber)
            ? throw new RefusalException(Refusal.NotAllowed, "该人员已停用。")
            : Task.FromResult(_senders.GetValueOrDefault(serialNumber));

    internal sealed record Thing(string Name);
}

/// <summary>One signed request, and ways to send something else than was signed.</summary>
internal sealed record Letter(Party Party)
{
    public string Recipient { get; init; } = SampleService.Name;

    public HttpMethod Method { get; init; } = HttpMethod.Post;

    public required string Target { get; init; }

    public RequestId Id { get; init; } = RequestId.Create(TimeProvider.System);

    public required DateTimeOffset Created { get; init; }

    public required string Body { get; init; }

    public async Task<HttpRequestMessage> SealAsync()
    {
        byte[] body = System.Text.Encoding.UTF8.GetBytes(Body);
        var message = new SignedMessage(Party.Signer.Sender, Recipient, Method.Method, Target, Id, Created, Sm3.HashData(body));
        var request = new HttpRequestMessage(Method, Target) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        foreach ((string name, string value) in MessageHeaders.Write(message, await Party.Signer.SignAsync(message)))
        {
            request.Headers.Add(name, value);
        }

        return request;
    }

    /// <param name="alter">Of what is sent, after signing.</param>
    /// <param name="over">Another's link.</param>
    public async Task<Reply> SendAsync(Action<HttpRequestMessage>? alter = null, HttpClient? over = null)
    {
        using HttpRequestMessage request = await SealAsync();
        alter?.Invoke(request);
        return await Reply.SendAsync(over ?? Party.Link, request);
    }
}

/// <summary>What came back.</summary>
internal sealed record Reply(int Status, string? ContentType, string Text, TimeSpan? RetryAfter)
{
    /// <summary>The name of the refusal, or null.</summary>
    public string? Refusal => System.Text.RegularExpressions.Regex.Match(Text, "urn:zwca:refusal:([A-Za-z]+)") is { Success: true } match ? match.Groups[1].Value : null;

    public static async Task<Reply> SendAsync(HttpClient client, HttpRequestMessage request)
    {
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return new Reply(
            (int)response.StatusCode,
            response.Content.Headers.ContentType?.ToString(),
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            response.Headers.RetryAfter?.Delta);
    }
}
