using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Admin.Ceremony;
using ZwCa.Contracts;
using ZwCa.Kmc.Requests;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>The real program, a process of its own, configured from a ceremony's output.</summary>
public sealed class ProgramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AfterACeremony_TheKmcRuns_FillsItsStock_AndAnswersOverTheCasLink()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        await stage.CompleteAsync();
        string listen = $"127.0.0.1:{CaProcess.FreePort()}", management = $"127.0.0.1:{CaProcess.FreePort()}";
        string config = ServiceSettings.WriteKmc(
            new CeremonyFolder(stage.Output),
            "kmc",
            "kmc",
            new ServicePlace { Listen = listen, Management = management, ConnectionString = $"Data Source={Path.Combine(stage.Path, "kmc.db")}", Mode = "Demo" },
            Path.Combine(stage.Path, "kmc"));

        Assert.Equal(0, (await RunAsync(["migrate", "--config", config])).ExitCode);
        (int exitCode, string output) = await RunAsync(["check-config", "--config", config]);
        Assert.True(exitCode == 0, output);
        Assert.Contains("ok     keys and certificates", output, StringComparison.Ordinal);

        // What is of a demonstration never goes into production.
        (exitCode, output) = await RunAsync(["check-config", "--config", config], ("ZWCA_Service__Mode", "Production"));
        Assert.Equal(1, exitCode);
        Assert.Contains("FAILED keys and certificates: The message certificate, or one of an officers' issuer, is of a demonstration", output, StringComparison.Ordinal);

        // Another key than the certificate's, and no key at all.
        (exitCode, output) = await RunAsync(["check-config", "--config", config], ("ZWCA_Kmc__MessageKey", "kmc-log"));
        Assert.Equal(1, exitCode);
        Assert.Contains("is not of the key kmc-log", output, StringComparison.Ordinal);
        (exitCode, output) = await RunAsync(["check-config", "--config", config], ("ZWCA_Kmc__RowMacKey", "nothing"));
        Assert.Equal(1, exitCode);
        Assert.Contains("has no key nothing", output, StringComparison.Ordinal);

        using Process process = Start(["--until-stdin-closes", "--config", config]);
        Task<string> log = process.StandardOutput.ReadToEndAsync(Token);
        try
        {
            await UntilReadyAsync(process, new Uri($"http://{management}"));
            Assert.Equal(256, await CountStockAsync(Path.Combine(stage.Path, "kmc.db")));

            // The ceremony has let the CA's link in, and registered no CA: officers do that.
            string folder = Path.Combine(stage.Output, "ca");
            using X509Certificate2 link = X509Certificate2.CreateFromEncryptedPemFile(Path.Combine(folder, "link.pem"), CeremonyStage.LinkPassword, Path.Combine(folder, "link.key"));
            using HttpClient client = LinkTls.CreateClient(new Uri($"https://{listen}"), () => link, LinkTrust.Load(Path.Combine(stage.Path, "kmc", "system.pem"), TimeProvider.System), Patience);
            using var story = new EscrowStory();
            using var content = new ByteArrayContent(story.Message(story.Ca, [story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]));
            content.Headers.ContentType = new MediaTypeHeaderValue(Gmt0014Api.ContentType);
            using HttpResponseMessage answer = await client.PostAsync("/gmt0014", content, Token);
            await KmcStage.RefusedAsync(Refusal.BadSignature, () => answer.ThrowIfRefusedAsync());

            process.StandardInput.Close();
            await process.WaitForExitAsync(Token).WaitAsync(Patience, Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }

        Assert.DoesNotContain("\"level\":\"error\"", await log, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<long> CountStockAsync(string file)
    {
        await using var database = new ZwCa.Data.Database(new ZwCa.Data.DatabaseOptions { ConnectionString = $"Data Source={file};Pooling=False" });
        long count = 0;
        await KmcStage.UntilAsync(async () => (count = await database.FindAsync<long>("SELECT COUNT(*) FROM escrowed_key WHERE state = 1", cancellationToken: Token)) >= 256);
        return count;
    }

    private static async Task UntilReadyAsync(Process process, Uri management)
    {
        using var health = new HttpClient { BaseAddress = management, Timeout = TimeSpan.FromSeconds(5) };
        for (var clock = Stopwatch.StartNew(); !process.HasExited && clock.Elapsed < Patience; await Task.Delay(100, Token))
        {
            try
            {
                using HttpResponseMessage answer = await health.GetAsync("/health/ready", Token);
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
        }

        Assert.Fail("The KMC did not get ready.");
    }

    private static Process Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "zwca-kmc.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        using Process process = Start(arguments, environment);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(Token);
        string output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, output + await error);
    }
}
