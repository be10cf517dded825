using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Benchmarks;

/// <summary>RSA-2048 through the PKCS#11 driver and SoftHSM2, in this process, beside .NET's own RSA; both end in OpenSSL's libcrypto or Botan.</summary>
internal static partial class SoftHsmBenchmark
{
    private const string Library = "/usr/lib/softhsm/libsofthsm2.so";
    private const string Pin = "12345678";
    private const int Rounds = 7;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    public static async Task RunAsync()
    {
        if (!File.Exists(Library))
        {
            Console.WriteLine($"\nnot run here: needs SoftHSM2 ({Library})");
            return;
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("zwca-softhsm-");
        try
        {
            await MeasureAsync(MakeToken(folder));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task MeasureAsync(Pkcs11Options options)
    {
        await using Pkcs11Hsm hsm = await Pkcs11Hsm.ConnectAsync(options);
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("rsa"), HsmKeyKind.Rsa2048);
        byte[] digest = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);
        using RSA local = RSA.Create(2048);
        int threads = Environment.ProcessorCount;
        using var locals = new ThreadLocal<RSA>(() => RSA.Create(local.ExportParameters(includePrivateParameters: true)));

        var load = new Load("RSA-2048 signatures, PKCS #1 v1.5 with SHA-256", Rounds, Slice);
        load.Add(".NET, 1 thread", 1, 1, () => SignHere(local, digest));
        load.Add($".NET, {threads} threads", threads, 1, () => SignHere(locals.Value!, digest));
        load.Add("SoftHSM2, 1 in flight", 1, 1, () => hsm.SignAsync(key, SignatureScheme.RsaPkcs1Sha256, digest));
        load.Add("SoftHSM2, 8 in flight", 8, 1, () => hsm.SignAsync(key, SignatureScheme.RsaPkcs1Sha256, digest));
        await load.RunAsync();
        load.PrintRatio("hsm.softhsm-rsa.vs.dotnet", "SoftHSM2, 8 in flight", $".NET, {threads} threads");
    }

    private static Task SignHere(RSA key, byte[] digest)
    {
        key.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return Task.CompletedTask;
    }

    private static Pkcs11Options MakeToken(DirectoryInfo folder)
    {
        folder.CreateSubdirectory("tokens");
        string configuration = Path.Combine(folder.FullName, "softhsm2.conf");
        File.WriteAllText(configuration, $"directories.tokendir = {folder.FullName}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");

        // .NET keeps an environment of its own; the library's getenv sees only what setenv has set.
        _ = SetEnvironment("SOFTHSM2_CONF", configuration, 1);
        var start = new ProcessStartInfo(
            "softhsm2-util", ["--init-token", "--free", "--label", "bench", "--pin", Pin, "--so-pin", "87654321"]) { RedirectStandardOutput = true };
        start.Environment["SOFTHSM2_CONF"] = configuration;
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Pkcs11Options { Library = Library, TokenLabel = "bench", Pin = () => Encoding.UTF8.GetBytes(Pin) };
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
