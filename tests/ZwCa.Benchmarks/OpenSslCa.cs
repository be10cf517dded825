using System.Diagnostics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Benchmarks;

/// <summary>A certificate authority of the openssl command in a folder of its own, with our key.</summary>
internal sealed class OpenSslCa
{
    private const string DistinguishingId = "distid:1234567812345678";

    private const string Configuration = """
        [ca]
        default_ca = own
        [own]
        database = index.txt
        crlnumber = crlnumber
        default_md = sm3
        default_crl_days = 1
        unique_subject = no
        crl_extensions = extensions
        [extensions]
        authorityKeyIdentifier = keyid
        """;

    private readonly string _folder;

    public OpenSslCa(string folder, Sm2PrivateKey key)
    {
        _folder = folder;
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(d);
        byte[] point = key.PublicKey.ToBytes();
        var privateKey = new PrivateKeyInfo(AlgorithmIdentifier.EcKey(Oids.Sm2), Der.Encode(new EcPrivateKey(d, publicKey: point)));
        File.WriteAllText(PathOf("key.pem"), Pem.Encode(Pem.PrivateKey, Der.Encode(privateKey)));
        File.WriteAllText(PathOf("public.pem"), Pem.Encode(Pem.PublicKey, Der.Encode(SubjectPublicKeyInfo.ForSm2(point))));
        File.WriteAllText(PathOf("ca.cnf"), Configuration);
        File.WriteAllText(PathOf("crlnumber"), "01\n");
        Command("req", "-x509", "-new", "-key", "key.pem", "-sm3", "-sigopt", DistinguishingId, "-subj", "/CN=Benchmark", "-days", "2", "-out", "ca.pem");
    }

    public string IndexPath => PathOf("index.txt");

    public string PathOf(string file) => Path.Combine(_folder, file);

    public static string Version() => Start("/", "version").StandardOutput.ReadToEnd().Trim();

    /// <summary>Makes <c>request.pem</c>, for <see cref="IssueCertificate"/>.</summary>
    public void Request()
    {
        Command("req", "-new", "-key", "key.pem", "-sm3", "-sigopt", DistinguishingId, "-subj", "/C=CN/O=Benchmark/CN=Subscriber", "-out", "request.pem");
        File.WriteAllText(PathOf("certificate.cnf"), """
            keyUsage = critical, digitalSignature, nonRepudiation
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            certificatePolicies = 1.2.3.4.1
            crlDistributionPoints = URI:http://pki.example.gov.cn/crl/1.crl
            authorityInfoAccess = OCSP;URI:http://pki.example.gov.cn/ocsp, caIssuers;URI:http://pki.example.gov.cn/ca.cer
            """);
    }

    /// <summary>A process that signs one certificate with the extensions of a signing certificate.</summary>
    public void IssueCertificate() => Command(
        "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "key.pem", "-sm3", "-sigopt", DistinguishingId, "-vfyopt", DistinguishingId,
        "-days", "365", "-extfile", "certificate.cnf", "-out", "certificate.pem");

    /// <returns>Seconds from start to exit, and the largest working set.</returns>
    public (double Seconds, long PeakBytes) GenerateCrl()
    {
        string[] arguments =
        [
            "ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "key.pem", "-cert", "ca.pem", "-md", "sm3", "-sigopt", DistinguishingId, "-out", "theirs.pem",
        ];
        var clock = Stopwatch.StartNew();
        using Process process = Start(_folder, arguments);
        using var memory = new PeakMemory(process);
        WaitFor(process, arguments);
        double seconds = clock.Elapsed.TotalSeconds;
        memory.Dispose();
        return (seconds, memory.Bytes);
    }

    /// <summary>Its last CRL.</summary>
    public byte[] ReadCrl()
    {
        Command("crl", "-in", "theirs.pem", "-outform", "DER", "-out", "theirs.crl");
        return File.ReadAllBytes(PathOf("theirs.crl"));
    }

    /// <summary>Throws unless openssl accepts the signature (DER) over the TBS bytes.</summary>
    public void Verify(ReadOnlySpan<byte> tbs, ReadOnlySpan<byte> signature)
    {
        File.WriteAllBytes(PathOf("tbs"), tbs);
        File.WriteAllBytes(PathOf("signature"), signature);
        Command("dgst", "-sm3", "-verify", "public.pem", "-sigopt", DistinguishingId, "-signature", "signature", "tbs");
    }

    /// <summary>Throws unless openssl reads the file as a CRL in DER.</summary>
    public void Read(string file) => Command("crl", "-inform", "DER", "-in", file, "-noout", "-crlnumber");

    private void Command(params string[] arguments)
    {
        using Process process = Start(_folder, arguments);
        WaitFor(process, arguments);
    }

    private static Process Start(string folder, params string[] arguments) =>
        Process.Start(new ProcessStartInfo("openssl", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static void WaitFor(Process process, string[] arguments)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"openssl {string.Join(' ', arguments)}: {error}{output.GetAwaiter().GetResult()}");
        }
    }
}
