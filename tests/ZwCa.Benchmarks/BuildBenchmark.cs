using System.Diagnostics;
using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Benchmarks;

/// <summary>
/// Signing certificates of persons, SM2, on one core, with the CA's key in this process: what the CA itself costs, without device and database. Beside it commands that do the same
/// without judging, a process for each certificate, because they have no other way.
/// </summary>
internal static class BuildBenchmark
{
    private const int Requests = 512;
    private const int Rounds = 7;
    private const int Commands = 9;
    private const double CertificatesBar = 6000;
    private const double LintMicrosecondsBar = 60;

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);

    public static async Task<int> RunAsync()
    {
        Machine.Print();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        Issuer issuer = hierarchy.Sub;
        IssuanceRequest[] requests = [.. MakeRequests(hierarchy.Request("person-signing"))];
        PreparedCertificate[] prepared = [.. requests.Select(issuer.Prepare)];
        Certificate[] certificates = [.. await issuer.IssueManyAsync(prepared)];
        byte[][] encoded = [.. certificates.Select(Der.Encode)];
        Check(encoded[0], prepared[0]);
        var context = new LintContext { Profile = requests[0].Profile, Issuer = issuer };
        ThrowawayKey throwaway = ThrowawayKey.Like(AlgorithmIdentifier.Sm3WithSm2);
        SignatureCheck check = new SignatureCheck(issuer.SubjectPublicKeyInfo, issuer.Algorithm).Prepare();

        int next = 0;
        int Next() => next = (next + 1) % Requests;
        var table = new SideBySide($"one of {Requests} persons, {encoded[0].Length} bytes, {Linter.CertificateRules.Count} rules", Rounds, Slice);
        table.Add("prepare, lint, issue", () => issuer.IssueAsync(issuer.Prepare(requests[Next()])).GetAwaiter().GetResult());
        table.Add("  build and encode", () => Der.Encode(CertificateBuilder.Build(issuer, requests[Next()])));
        table.Add("    of it the key's quality", () => KeyQuality.Require(requests[Next()].SubjectPublicKeyInfo));
        table.Add("  sign with the throwaway key", () => throwaway.Sign(prepared[Next()].TbsBytes.Span));
        table.Add("  lint", () => Linter.Check(encoded[Next()], context));
        table.Add("  sign", () => issuer.Signer.SignAsync(prepared[Next()].TbsBytes).GetAwaiter().GetResult());
        table.Add("  read back", () => Der.Decode<Certificate>(encoded[Next()]));
        table.Add("  verify", () => check.Holds(certificates[Next()].TbsBytes.Span, certificates[next].Signature));
        table.Run();
        table.PrintRatio("build.issued.vs.build-only", "prepare, lint, issue", "  build and encode");
        SideBySide.PrintRatio("build.issued.vs.bar-of-6000", table.Rate("prepare, lint, issue") / CertificatesBar);
        SideBySide.PrintRatio("build.lint.vs.bar-of-60-us", table.Rate("  lint") * LintMicrosecondsBar / 1e6);
        CompareCommands(table.Rate("prepare, lint, issue"));
        return 0;
    }

    private static IEnumerable<IssuanceRequest> MakeRequests(IssuanceRequest request)
    {
        for (int i = 0; i < Requests; i++)
        {
            yield return request with
            {
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = SampleHierarchy.PublicKey(i.ToString(CultureInfo.InvariantCulture), KeyAlgorithm.Sm2),
            };
        }
    }

    /// <summary>What is measured is the certificate that was asked for.</summary>
    private static void Check(byte[] encoded, PreparedCertificate prepared)
    {
        if (!Der.Decode<Certificate>(encoded).TbsBytes.Span.SequenceEqual(prepared.TbsBytes.Span))
        {
            throw new InvalidOperationException("Another certificate was issued.");
        }
    }

    private static void CompareCommands(double ours)
    {
        using var folder = new TemporaryFolder();
        using var key = Sm2PrivateKey.Generate();
        var openssl = new OpenSslCa(folder.Path, key);
        openssl.Request();
        Console.WriteLine();
        Console.WriteLine("Commands: start of a process, reading of files, no rules; a process for each certificate.");
        Compare("openssl x509 -req, SM2", "build.issued.vs.openssl-process", ours, openssl.IssueCertificate);
        if (Cfssl.Prepare(folder) is { } cfssl)
        {
            Compare("cfssl sign, P-256", "build.issued.vs.cfssl-process", ours, cfssl.Sign);
        }
        else
        {
            Console.WriteLine("cfssl is not installed: not compared (Debian: golang-cfssl).");
        }
    }

    private static void Compare(string name, string ratio, double ours, Action command)
    {
        command();
        double[] seconds = new double[Commands];
        for (int i = 0; i < Commands; i++)
        {
            var clock = Stopwatch.StartNew();
            command();
            seconds[i] = clock.Elapsed.TotalSeconds;
        }

        double median = SideBySide.Median(seconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {1 / median,12:N0}/s {1e3 * median,10:N2} ms each"));
        SideBySide.PrintRatio(ratio, ours * median);
    }

    /// <summary>The command cfssl with a P-256 CA of its own in a folder; it knows no SM2.</summary>
    private sealed class Cfssl
    {
        private readonly string _folder;

        private Cfssl(string folder) => _folder = folder;

        /// <returns>Null: there is no such command.</returns>
        public static Cfssl? Prepare(TemporaryFolder folder)
        {
            bool isInstalled = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(path => File.Exists(Path.Combine(path, "cfssl")));
            if (!isInstalled)
            {
                return null;
            }

            var cfssl = new Cfssl(folder.Path);
            cfssl.Run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "p256.key", "-subj", "/CN=Benchmark", "-days", "2", "-out", "p256.pem");
            cfssl.Run("openssl", "ec", "-in", "p256.key", "-out", "p256.key");
            cfssl.Run("openssl", "req", "-new", "-key", "p256.key", "-subj", "/C=CN/O=Benchmark/CN=Subscriber", "-out", "p256.csr");
            return cfssl;
        }

        public void Sign() => Run("cfssl", "sign", "-ca", "p256.pem", "-ca-key", "p256.key", "p256.csr");

        private void Run(string command, params string[] arguments)
        {
            var start = new ProcessStartInfo(command, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"{command} {string.Join(' ', arguments)}: {error}{output.GetAwaiter().GetResult()}");
            }
        }
    }
}
