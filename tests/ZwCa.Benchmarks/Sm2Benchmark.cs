using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Benchmarks;

/// <summary>
/// SM2 and SM3 beside OpenSSL. .NET has no SM3, so on OpenSSL's side e = SM3(Z ‖ message) is computed with our SM3, and Z, as on our side, once
/// per key; that costs OpenSSL about one hundredth of its time.
/// </summary>
internal static class Sm2Benchmark
{
    private const int Rounds = 9;
    private const int MessageLength = 700;
    private const int AllocationSample = 10_000;
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(200);

    public static int Run()
    {
        Machine.Print();
        if (!OperatingSystem.IsLinux())
        {
            Console.Error.WriteLine("Only on Linux .NET's ECDsa is OpenSSL, and knows the SM2 curve.");
            return 1;
        }

        byte[] message = RandomNumberGenerator.GetBytes(MessageLength);
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        using ECDsa openSsl = ECDsa.Create(Parameters(key));
        CheckAgreement(key, openSsl, message);

        Sign(key, openSsl, message);
        Verify(key, openSsl, message);
        Generate(openSsl);
        Hash(message);
        Allocation(key, message);
        return 0;
    }

    private static void Sign(Sm2PrivateKey key, ECDsa openSsl, byte[] message)
    {
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes], digest = new byte[Sm3.HashSizeInBytes];
        key.PublicKey.Prepare();

        var table = new SideBySide("sign, 700-byte message", Rounds, _slice);
        table.Add("SM2, ours", () => key.Sign(message, signature));
        table.Add("SM2, ours, verified after signing", () =>
        {
            key.Sign(message, signature);
            Require(key.PublicKey.Verify(message, signature));
        });
        table.Add("SM2, OpenSSL through .NET", () =>
        {
            key.PublicKey.ComputeDigest(message, digest);
            Require(openSsl.TrySignHash(digest, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out _));
        });
        table.Add("P-256 with SHA-256, .NET", () =>
            Require(p256.TrySignData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out _)));
        table.Run();
        table.PrintRatio("sm2.sign.vs.openssl", "SM2, ours", "SM2, OpenSSL through .NET");
        table.PrintRatio("sm2.sign.vs.p256", "SM2, ours", "P-256 with SHA-256, .NET");
    }

    private static void Verify(Sm2PrivateKey key, ECDsa openSsl, byte[] message)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes], digest = new byte[Sm3.HashSizeInBytes];
        key.Sign(message, signature);
        Sm2PublicKey unknown = Sm2PublicKey.FromBytes(key.PublicKey.ToBytes()), known = Sm2PublicKey.FromBytes(key.PublicKey.ToBytes());
        known.Prepare();

        var table = new SideBySide("verify, 700-byte message", Rounds, _slice);
        table.Add("SM2, ours, unknown key", () => Require(unknown.Verify(message, signature)));
        table.Add("SM2, ours, known key", () => Require(known.Verify(message, signature)));
        table.Add("SM2, OpenSSL through .NET", () =>
        {
            unknown.ComputeDigest(message, digest);
            Require(openSsl.VerifyHash(digest, signature));
        });
        table.Run();
        table.PrintRatio("sm2.verify.vs.openssl", "SM2, ours, unknown key", "SM2, OpenSSL through .NET");
        table.PrintRatio("sm2.verify-known-key.vs.openssl", "SM2, ours, known key", "SM2, OpenSSL through .NET");
    }

    private static void Generate(ECDsa openSsl)
    {
        ECCurve curve = openSsl.ExportParameters(includePrivateParameters: false).Curve;
        using ECDsa generated = ECDsa.Create(curve);

        var table = new SideBySide("key pair", Rounds, _slice);
        table.Add("SM2, ours", () => Sm2PrivateKey.Generate().Dispose());
        table.Add("SM2, OpenSSL through .NET", () => generated.GenerateKey(curve));
        table.Add("SM2, OpenSSL's EC_KEY_generate_key", LibCrypto.GenerateSm2);
        table.Run();
        table.PrintRatio("sm2.keygen.vs.openssl", "SM2, ours", "SM2, OpenSSL's EC_KEY_generate_key");
    }

    private static void Hash(byte[] message)
    {
        byte[] hash = new byte[Sm3.HashSizeInBytes];
        LibCrypto.Sm3(message, hash);
        Require(hash.AsSpan().SequenceEqual(Sm3.HashData(message)));

        var table = new SideBySide("hash, 700 bytes", Rounds, _slice);
        table.Add("SM3, ours", () => Sm3.HashData(message, hash));
        table.Add("SM3, OpenSSL's EVP_Digest", () => LibCrypto.Sm3(message, hash));
        table.Run();
        table.PrintRatio("sm3.vs.openssl", "SM3, ours", "SM3, OpenSSL's EVP_Digest");
    }

    private static void Allocation(Sm2PrivateKey key, byte[] message)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < AllocationSample; i++)
        {
            key.Sign(message, signature);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio sm2.sign.allocated-bytes {(double)allocated / AllocationSample:0.##}"));
    }

    /// <summary>Two implementations that disagree are not worth comparing.</summary>
    private static void CheckAgreement(Sm2PrivateKey key, ECDsa openSsl, byte[] message)
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes], digest = new byte[Sm3.HashSizeInBytes];
        key.PublicKey.ComputeDigest(message, digest);
        key.Sign(message, signature);
        Require(openSsl.VerifyHash(digest, signature));
        Require(key.PublicKey.Verify(message, openSsl.SignHash(digest)));
    }

    private static ECParameters Parameters(Sm2PrivateKey key)
    {
        byte[] point = key.PublicKey.ToBytes(), d = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(d);
        return new ECParameters
        {
            Curve = ECCurve.CreateFromValue("1.2.156.10197.1.301"),
            D = d,
            Q = new ECPoint { X = point[1..33], Y = point[33..65] },
        };
    }

    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new InvalidOperationException("An operation that was to be measured failed.");
        }
    }
}
