using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace ZwCa.Benchmarks;

/// <summary>
/// <c>cfssl serve</c> with a P-256 CA and its SQLite database, over plain HTTP: it signs what it is asked for, and stores it; it asks nobody, judges nothing and keeps no log.
/// </summary>
internal sealed class CfsslServer : IAsyncDisposable
{
    /// <summary>As its documentation has them; its own tool for that is not packaged.</summary>
    private const string Tables =
        """
        CREATE TABLE certificates (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL, reason int, expiry timestamp,
            revoked_at timestamp, pem blob NOT NULL, PRIMARY KEY (serial_number, authority_key_identifier));
        CREATE TABLE ocsp_responses (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, body blob NOT NULL, expiry timestamp,
            PRIMARY KEY (serial_number, authority_key_identifier));
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly Uri _address;
    private Process _process = null!;

    private CfsslServer() => _address = new Uri($"http://127.0.0.1:{CaProcess.FreePort()}");

    private static bool IsInstalled =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(path => File.Exists(Path.Combine(path, "cfssl")));

    /// <returns>Null: it is not installed.</returns>
    public static async Task<CfsslServer?> StartAsync()
    {
        if (!IsInstalled)
        {
            return null;
        }

        var server = new CfsslServer();
        server.Run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-subj", "/CN=Benchmark", "-days", "2", "-out", "ca.pem");
        server.Run("openssl", "ec", "-in", "ca.key", "-out", "ca.key");
        server.Run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "own.key", "-subj", "/C=CN/O=Benchmark/CN=www.example.gov.cn", "-out", "own.csr");
        await using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={server._folder.File("certs.db")};Pooling=False"))
        {
            await connection.OpenAsync();
            await using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
            command.CommandText = Tables;
            await command.ExecuteNonQueryAsync();
        }

        // By default it gives up under load: the database is locked.
        await File.WriteAllTextAsync(server._folder.File("db.json"), """{"driver":"sqlite3","data_source":"certs.db?_busy_timeout=60000"}""");
        string port = server._address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        server._process = server.Launch(
            "cfssl", "serve", "-address", "127.0.0.1", "-port", port, "-ca", "ca.pem", "-ca-key", "ca.key", "-db-config", "db.json", "-loglevel", "5");
        _ = server._process.StandardError.ReadToEndAsync();
        await server.WaitUntilItAnswersAsync();
        return server;
    }

    /// <summary>One request, sent again and again: it gives each certificate another serial number.</summary>
    public Task<PreparedRequests> PrepareAsync(int connections)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(
            new { certificate_request = File.ReadAllText(_folder.File("own.csr")), hosts = (string[])["www.example.gov.cn"] });
        byte[] request =
        [
            .. Encoding.ASCII.GetBytes(
                $"POST /api/v1/cfssl/sign HTTP/1.1\r\nHost: {_address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
            .. body,
        ];
        return PreparedRequests.CreateAsync(_ => request, 0, connections, () => RawConnection.OpenPlainAsync(_address));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private async Task WaitUntilItAnswersAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                (await RawConnection.OpenPlainAsync(_address)).Dispose();
                return;
            }
            catch (System.Net.Sockets.SocketException) when (clock.Elapsed < TimeSpan.FromSeconds(20) && !_process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    private Process Launch(string command, params string[] arguments) => Process.Start(
        new ProcessStartInfo(command, arguments) { WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true })!;

    private void Run(string command, params string[] arguments)
    {
        using Process process = Launch(command, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command} {string.Join(' ', arguments)}: {error}{output.GetAwaiter().GetResult()}");
        }
    }
}
