using ZwCa.Benchmarks;

const string usage = """
    Usage: dotnet run -c Release --project tests/ZwCa.Benchmarks -- WHAT

      sm2   SM2 and SM3 beside OpenSSL and .NET's P-256, one core
      crl   a CRL of a million entries, beside openssl ca -gencrl
      hsm   hsm-sim over loopback TLS beside SM2 in process; RSA through SoftHSM2 beside .NET's
      pool  the KMC's stock of keys: made and wrapped by hsm-sim, durably stored, beside OpenSSL making keys alone
      data  durable writes with and without the audit event, grouped and single; on PostgreSQL too where ZWCA_TEST_POSTGRES is set
      log   events sequenced a second behind a million, and what proofs cost; with a number, behind so many
      message  signed requests over mutual TLS, the service on one core, beside the same without signatures
      build  certificates built, judged, signed and read back, beside openssl x509 -req and cfssl sign
      seed [ROWS]    fills, and keeps, the CA with a million certificates that the next two need
      issue [ROWS]   certificates through the CA as a process, empty and with a million stored, beside cfssl serve; with a number, with so many stored; 0: without
      revoke [ROWS]  revocations through the CA as a process, with none and with 500,000 revoked before; with a number, with half of so many
      pair [--seeded ROWS]  pairs through CA and KMC as processes, with an empty CA and with a million certificates stored, beside single ones and cfssl serve; with so many stored; 0: without
      ra [--seconds N] [--rows N]  enrollments through RA, CA and KMC as processes, from submission to issued, for N seconds, and an RA's lists with a million enrollments, or N; 0: without
      import [--rows N] [--keys N]  a file of 100,000 applicants, or N, through the RA as a process: dry run and drafts, and its memory beside that for half; with --keys 1 each row has a request
      batch [--rows N]  a batch of 10,000 drafts, or N, submitted by one signature and reviewed by another
      crl-job [ROWS] the CA's whole CRL job with a million revoked, beside openssl ca -gencrl alone; with a number, with so many
      presign [N]  OCSP responses signed ahead for a million certificates, through hsm-sim, database and feed included; with a number, for so many
      ocsp [N]  the responder on one core with a million certificates, beside nginx with a static file and cfssl ocspserve; wrk on the other core; with a number, with so many
      propagation  from a revocation until the responder says so, while certificates are issued
      debian BITS FILE  computes the table of CVE-2008-0166 for RSA keys of a size: hours, resumed where it stopped
      time  does the time of SM2 operations tell secrets apart? (Welch's t, to be read by a person)

    Every comparison prints "ratio NAME VALUE": how many times faster ours is, both sides measured in turns in this run.
    """;

switch (args)
{
    case ["sm2"]:
        return Sm2Benchmark.Run();
    case ["build"]:
        return await BuildBenchmark.RunAsync();
    case ["crl"]:
        return CrlBenchmark.Run();
    case ["hsm"]:
        return await HsmBenchmark.RunAsync();
    case ["pool"]:
        return await PoolBenchmark.RunAsync();
    case ["data"]:
        return await DataBenchmark.RunAsync();
    case ["log"]:
        return await LogBenchmark.RunAsync();
    case ["log", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int events) && events > 0:
        return await LogBenchmark.RunAsync(events);
    case ["message"]:
        return await MessageBenchmark.RunAsync();
    case [MessageBenchmark.ServerVerb, string folder, string publicKey]:
        return await MessageBenchmark.ServeAsync(folder, publicKey);
    case ["seed" or "issue" or "revoke"]:
        return await OnCaAsync(args[0], IssueBenchmark.StoredByDefault);
    case ["seed" or "issue" or "revoke", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int rows) && rows >= 0:
        return await OnCaAsync(args[0], rows);
    case ["pair"]:
        return await PairBenchmark.RunAsync(IssueBenchmark.StoredByDefault);
    case ["pair", "--seeded", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int rows) && rows >= 0:
        return await PairBenchmark.RunAsync(rows);
    case ["ra", .. string[] options] when Read(options, ("--seconds", RaBenchmark.SecondsByDefault), ("--rows", RaBenchmark.RowsByDefault)) is [int seconds, int rows]:
        return await RaBenchmark.RunAsync(seconds, rows);
    case ["import", .. string[] options] when Read(options, ("--rows", ImportBenchmark.RowsByDefault), ("--keys", 0)) is [int rows and > 0, int keys]:
        return await ImportBenchmark.RunAsync(rows, keys > 0);
    case ["batch", .. string[] options] when Read(options, ("--rows", BatchBenchmark.RowsByDefault)) is [int rows and > 0]:
        return await BatchBenchmark.RunAsync(rows);
    case ["crl-job"]:
        return await CrlJobBenchmark.RunAsync(CrlJobBenchmark.RevokedByDefault);
    case ["crl-job", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int rows) && rows > 0:
        return await CrlJobBenchmark.RunAsync(rows);
    case ["presign"]:
        return await PresignBenchmark.RunAsync(PresignBenchmark.CertificatesByDefault);
    case ["presign", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int rows) && rows > 0:
        return await PresignBenchmark.RunAsync(rows);
    case ["ocsp"]:
        return await OcspBenchmark.RunAsync(OcspBenchmark.CertificatesByDefault);
    case ["ocsp", string size] when int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out int rows) && rows > 0:
        return await OcspBenchmark.RunAsync(rows);
    case ["propagation"]:
        return await PropagationBenchmark.RunAsync();
    case ["debian", string bits, string file] when bits is "2048" or "3072" or "4096":
        return DebianTable.Run(int.Parse(bits, System.Globalization.CultureInfo.InvariantCulture), file);
    case ["time"]:
        return TimingCheck.Run();
    case ["--help" or "-h"]:
        Console.WriteLine(usage);
        return 0;
    default:
        Console.Error.WriteLine(usage);
        return 2;
}

static async Task<int> OnCaAsync(string what, int rows)
{
    switch (what)
    {
        case "issue":
            return await IssueBenchmark.RunAsync(rows);
        case "revoke":
            return await RevokeBenchmark.RunAsync(rows);
        default:
            await using (await SeededCa.OpenAsync(rows, rows / 2))
            {
                return 0;
            }
    }
}

// The values of options that are given by their names, in the order of the names. Null: another option, or no number.
static int[]? Read(string[] options, params (string Name, int Value)[] known)
{
    int[] values = [.. known.Select(each => each.Value)];
    for (int i = 0; i < options.Length; i += 2)
    {
        int which = Array.FindIndex(known, each => each.Name == options[i]);
        if (which < 0 || i + 1 == options.Length || !int.TryParse(options[i + 1], System.Globalization.CultureInfo.InvariantCulture, out values[which]) || values[which] < 0)
        {
            return null;
        }
    }

    return values;
}
