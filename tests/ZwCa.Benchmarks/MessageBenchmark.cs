using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Benchmarks;

/// <summary>
/// Signed requests a second that the sample service verifies, runs and answers over mutual TLS with one core to itself, with its SQLite file on this
/// machine's disk; beside it the same endpoint without signed messages. The requests are signed before, all with different ids; the load has the other cores.
/// </summary>
internal static class MessageBenchmark
{
    public const string ServerVerb = "message-server";

    private const int Connections = 64;
    private const int Rounds = 7;
    private const int Requests = 150_000;
    private const string Body = """{"profile":"subscriber","region":"330100","spki":"MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAECfnfMR5UIaFQ3X0WHkvFxnIXn60Y"}""";
    private const string Plain = "plain";
    private const string StoredAfter = "signed, answer stored after the endpoint";
    private const string StoredBy = "signed, answer stored by the endpoint";
    private const string Link = "ra-330000";
    private static readonly SerialNumber Sender = SerialNumber.Parse("4a01c3e87b2f915d60");
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    public static async Task<int> RunAsync()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessorCount < 2)
        {
            Console.Error.WriteLine("Needs Linux, whose taskset gives the service a core of its own, and a second core.");
            return 1;
        }

        Machine.Print($"{Connections} connections, each with one request in flight; the service on core 0, the load on the others");
        Pin(Environment.ProcessId, $"1-{Environment.ProcessorCount - 1}");
        using var folder = new TemporaryFolder();
        using var key = Sm2PrivateKey.Generate();
        using Process server = Start(folder.Path, key.PublicKey);
        try
        {
            await MeasureAsync(server, folder, key);
        }
        finally
        {
            server.StandardInput.Close();
            await server.WaitForExitAsync();
        }

        return 0;
    }

    /// <summary>The service, in a process of its own, until its input is closed.</summary>
    public static async Task<int> ServeAsync(string folder, string publicKey)
    {
        var sender = new MessageSender { SerialNumber = Sender, PublicKey = Sm2PublicKey.FromBytes(Convert.FromHexString(publicKey)), LinkName = Link, LinkKind = ClientKind.Ra };

        // As a CA keeps the keys of its RAs.
        sender.PublicKey.Prepare();
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Options = plain => plain with { Limits = plain.Limits with { RequestsPerSecond = 1_000_000, RequestsAtOnce = 1_000_000 } },
            Add = builder => builder.Services.AddSignedMessages(_ => (serial, _) => Task.FromResult(serial == sender.SerialNumber ? sender : null)),
            Map = app =>
            {
                app.MapPost("/plain", AnswerAsync);
                app.MapPost("/signed", AnswerAsync).RequireSignedMessage();
                app.MapPost("/transaction", AnswerInTransactionAsync).RequireSignedMessage();
            },
        });
        using X509Certificate2 link = service.Ca.Issue(Link);
        await service.Clients.RegisterAsync(SampleService.Actor, link, Link, ClientKind.Ra);
        SystemCa.Write(link, Path.Combine(folder, "link.pem"), Path.Combine(folder, "link.key"), null);
        Console.WriteLine(service.Address);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    private static async Task<IResult> AnswerAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        return TypedResults.Text((await reader.ReadToEndAsync()).Length.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<IResult> AnswerInTransactionAsync(HttpRequest request, MessageContext message, Database database)
    {
        using var reader = new StreamReader(request.Body);
        byte[] answer = Encoding.ASCII.GetBytes((await reader.ReadToEndAsync()).Length.ToString(CultureInfo.InvariantCulture));
        return await database.WriteAsync(transaction => message.AnswerAsync(transaction, StatusCodes.Status200OK, "text/plain", answer));
    }

    private static async Task MeasureAsync(Process server, TemporaryFolder folder, Sm2PrivateKey key)
    {
        var address = new Uri(await server.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The service did not come up."));
        using X509Certificate2 link = X509Certificate2.CreateFromPemFile(folder.File("link.pem"), folder.File("link.key"));
        var connections = new ConcurrentBag<RawConnection>();
        for (int i = 0; i < Connections; i++)
        {
            connections.Add(await RawConnection.OpenAsync(address, link));
        }

        byte[] plain = Encoding.ASCII.GetBytes($"POST /plain HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        byte[][] signed = Sign(key, address, "/signed");
        byte[][] inTransaction = Sign(key, address, "/transaction");
        int next = -1;
        int nextInTransaction = -1;

        async Task CallAsync(byte[] request)
        {
            RawConnection connection = connections.TryTake(out RawConnection? free) ? free : throw new UnreachableException();
            await connection.CallAsync(request);
            connections.Add(connection);
        }

        var load = new Load("Requests over mutual TLS, service on one core", Rounds, Slice);
        load.Add(Plain, Connections, 1, () => CallAsync(plain));
        load.Add(StoredAfter, Connections, 1, () => CallAsync(signed[Interlocked.Increment(ref next)]));
        load.Add(StoredBy, Connections, 1, () => CallAsync(inTransaction[Interlocked.Increment(ref nextInTransaction)]));
        TimeSpan before = server.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await load.RunAsync();
        server.Refresh();
        double busy = (server.TotalProcessorTime - before) / clock.Elapsed;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{next + nextInTransaction + 2} different messages were answered, none twice; the service's core was busy {100 * busy:0} % of the time"));
        load.PrintRatio("message.signed.vs.plain", StoredAfter, Plain);
        load.PrintRatio("message.signed-in-transaction.vs.plain", StoredBy, Plain);
        foreach (RawConnection connection in connections)
        {
            connection.Dispose();
        }
    }

    private static byte[][] Sign(Sm2PrivateKey key, Uri address, string target)
    {
        var signer = new MessageSigner(Sender, key);
        byte[] hash = Sm3.HashData(Encoding.ASCII.GetBytes(Body));
        byte[][] requests = new byte[Requests][];
        Parallel.For(0, requests.Length, i =>
        {
            var message = new SignedMessage(Sender, SampleService.Name, "POST", target, RequestId.Create(TimeProvider.System), DateTimeOffset.UtcNow, hash);
            string headers = string.Concat(MessageHeaders.Write(message, signer.SignAsync(message).GetAwaiter().GetResult()).Select(each => $"{each.Key}: {each.Value}\r\n"));
            requests[i] = Encoding.ASCII.GetBytes(
                $"POST {target} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n{headers}\r\n{Body}");
        });
        return requests;
    }

    private static Process Start(string folder, Sm2PublicKey key)
    {
        string assembly = typeof(MessageBenchmark).Assembly.Location;
        var start = new ProcessStartInfo("taskset", ["-c", "0", "dotnet", assembly, ServerVerb, folder, Convert.ToHexStringLower(key.ToBytes())])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>All threads of a process; <see cref="Process.ProcessorAffinity"/> moves only its first.</summary>
    private static void Pin(int process, string cores)
    {
        var start = new ProcessStartInfo("taskset", ["-a", "-c", "-p", cores, process.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
        using Process taskset = Process.Start(start)!;
        taskset.StandardOutput.ReadToEnd();
        taskset.WaitForExit();
        if (taskset.ExitCode != 0)
        {
            throw new InvalidOperationException("taskset refused.");
        }
    }
}
