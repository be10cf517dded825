using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Server;

/// <summary>
/// By what the device, its console and its clients know each other: self-signed certificates that are pinned by the SHA-256 of their DER. The device's
/// is in STORE/device; what others need lies in STORE/clients/NAME until the operator takes it there: client.pem (certificate and private key), secret
/// (of a partition's client: 64 hexadecimal digits), server.sha256 (the pin of the device).
/// </summary>
internal static class Credentials
{
    public const string ConsoleName = "console";

    private const string ServerFile = "server.pem";
    private const string ConsolePinFile = "console.sha256";
    private const int ValidYears = 10;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public static string FolderOf(StoreFolder store, string name) => Path.Combine(store.Path, "clients", name);

    /// <summary>The certificate of the device, with its private key.</summary>
    /// <exception cref="StoreException">There is none.</exception>
    public static X509Certificate2 LoadServer(StoreFolder store) => Load(Path.Combine(store.DevicePath, ServerFile));

    /// <returns>SHA-256 of the console's certificate.</returns>
    /// <exception cref="HsmException">There is none, or it is something else.</exception>
    public static byte[] LoadConsoleHash(StoreFolder store) => ClientFolder.ReadHash(Path.Combine(store.DevicePath, ConsolePinFile));

    /// <exception cref="StoreException">There is none, or it is something else.</exception>
    public static X509Certificate2 Load(string file) =>
        File.Exists(file) ? X509Certificate2.CreateFromPemFile(file) : throw new StoreException($"{file} is missing.");

    /// <summary>Makes the device's certificate and the console's, unless they are there.</summary>
    /// <returns>Whether they were made.</returns>
    public static bool MakeDevice(StoreFolder store, TimeProvider time)
    {
        string serverFile = Path.Combine(store.DevicePath, ServerFile);
        if (File.Exists(serverFile))
        {
            return false;
        }

        using X509Certificate2 server = Make("hsm-sim device", ServerAuthentication, time);
        using X509Certificate2 console = Make("hsm-sim console", ClientAuthentication, time);
        string folder = MakeFolder(store, ConsoleName);
        WriteCertificate(Path.Combine(folder, ClientFolder.CertificateFile), console);
        WritePin(Path.Combine(folder, ClientFolder.PinFile), server);
        WritePin(Path.Combine(store.DevicePath, ConsolePinFile), console);

        // Last: while it is not there, all of it is made anew.
        WriteCertificate(serverFile, server);
        return true;
    }

    /// <summary>Makes certificate and secret of a client of a partition.</summary>
    /// <returns>What the policy has to say of it.</returns>
    public static ClientCredential MakeClient(StoreFolder store, string partition, TimeProvider time)
    {
        using X509Certificate2 client = Make($"hsm-sim client of {partition}", ClientAuthentication, time);
        using X509Certificate2 server = LoadServer(store);
        byte[] secret = RandomNumberGenerator.GetBytes(Hello.SecretLength);
        byte[] hex = new byte[(2 * secret.Length) + 1];
        try
        {
            Convert.TryToHexStringLower(secret, hex, out _);
            hex[^1] = (byte)'\n';
            string folder = MakeFolder(store, partition);
            WriteCertificate(Path.Combine(folder, ClientFolder.CertificateFile), client);
            WritePin(Path.Combine(folder, ClientFolder.PinFile), server);
            Disk.Replace(Path.Combine(folder, ClientFolder.SecretFile), hex);
            return new ClientCredential(HashOf(client), Sm3.HashData(secret));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(hex);
        }
    }

    /// <summary>For a client whose certificate and secret are as before: where a restored partition is to be found.</summary>
    /// <returns>SHA-256 of the device's certificate.</returns>
    public static byte[] WritePin(StoreFolder store, string partition)
    {
        using X509Certificate2 server = LoadServer(store);
        WritePin(Path.Combine(MakeFolder(store, partition), ClientFolder.PinFile), server);
        return HashOf(server);
    }

    /// <returns>32 bytes.</returns>
    public static byte[] HashOf(X509Certificate2 certificate) => certificate.GetCertHash(HashAlgorithmName.SHA256);

    private static X509Certificate2 Make(string name, string purpose, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        DateTimeOffset now = time.GetUtcNow();
        return request.CreateSelfSigned(now, now.AddYears(ValidYears));
    }

    private static string MakeFolder(StoreFolder store, string name)
    {
        string folder = FolderOf(store, name);
        Disk.MakeFolder(Path.GetDirectoryName(folder)!);
        Disk.MakeFolder(folder);
        return folder;
    }

    private static void WriteCertificate(string file, X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        byte[] der = key.ExportPkcs8PrivateKey();
        char[] pem = PemEncoding.Write("PRIVATE KEY", der);
        byte[] content = Encoding.ASCII.GetBytes([.. certificate.ExportCertificatePem(), '\n', .. pem, '\n']);
        Disk.Replace(file, content);
        CryptographicOperations.ZeroMemory(der);
        CryptographicOperations.ZeroMemory(content);
        Array.Clear(pem);
    }

    private static void WritePin(string file, X509Certificate2 certificate) =>
        Disk.Replace(file, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(HashOf(certificate)) + "\n"));
}
