using System.Diagnostics;
using System.Formats.Asn1;
using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Benchmarks;

/// <summary>
/// A CRL of a million entries, SM2 with SM3, from the same index file on both sides. Ours runs in this process, so the start of openssl (a few
/// milliseconds of several seconds) is in its time and not in ours; its CRL is PEM, ours DER.
/// </summary>
internal static class CrlBenchmark
{
    private const int Entries = 1_000_000;
    private const int WarmUpEntries = 50_000;
    private const int Rounds = 3;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private const double MiB = 1 << 20;

    public static int Run()
    {
        Machine.Print();
        Console.WriteLine($"command  {OpenSslCa.Version()}");
        string folder = Directory.CreateTempSubdirectory("zwca-crl").FullName;
        try
        {
            using Sm2PrivateKey key = Sm2PrivateKey.Generate();
            var theirs = new OpenSslCa(folder, key);
            Measure(theirs, key);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static void Measure(OpenSslCa theirs, Sm2PrivateKey key)
    {
        string ours = theirs.PathOf("ours.crl");
        CrlIndex.Write(theirs.IndexPath, WarmUpEntries);
        theirs.GenerateCrl();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < WarmUp;)
        {
            WriteCrl(ours, theirs.IndexPath, key);
        }

        CrlIndex.Write(theirs.IndexPath, Entries);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        using Process self = Process.GetCurrentProcess();
        long idle = self.WorkingSet64;
        double[] ourSeconds = new double[Rounds], theirSeconds = new double[Rounds];
        long ourPeak = 0, theirPeak = 0;
        for (int round = 0; round < Rounds; round++)
        {
            using (var memory = new PeakMemory(self))
            {
                var clock = Stopwatch.StartNew();
                WriteCrl(ours, theirs.IndexPath, key);
                ourSeconds[round] = clock.Elapsed.TotalSeconds;
                memory.Dispose();
                ourPeak = Math.Max(ourPeak, memory.Bytes);
            }

            (theirSeconds[round], long peak) = theirs.GenerateCrl();
            theirPeak = Math.Max(theirPeak, peak);
        }

        Check(theirs, ours);
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"CRL, {Entries:N0} entries",-28} {"median s",10} {"lowest",10} {"highest",10} {"peak MiB",10}"));
        Row("ours", ourSeconds, ourPeak);
        Row("openssl ca -gencrl", theirSeconds, theirPeak);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ours: {(ourPeak - idle) / MiB:0.0} MiB above the {idle / MiB:0.0} MiB of this process idle (working set, sampled every 5 ms)"));
        Console.WriteLine("openssl accepts our signature and reads our CRL; the revokedCertificates of both are the same bytes");
        Console.WriteLine();
        SideBySide.PrintRatio("crl.vs.openssl", SideBySide.Median([.. theirSeconds.Zip(ourSeconds, (their, our) => their / our)]));
    }

    private static void WriteCrl(string path, string index, Sm2PrivateKey key)
    {
        // Step 1: what stands around the entries.
        var publicKey = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
        var extensions = new Extensions(
            Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(publicKey).KeyIdentifier), critical: false),
            Extension.Create(new CrlNumber(1), critical: false));
        Time now = Time.Truncate(DateTimeOffset.UtcNow);
        Name issuer = Name.Create((Oids.CommonName, "Benchmark"));
        var writer = new CrlWriter(AlgorithmIdentifier.Sm3WithSm2, issuer, now, new Time(now.Value.AddDays(1)), extensions);

        // Step 2: the digest begins with Z (GM/T 0009).
        Span<byte> digest = stackalloc byte[Sm3.HashSizeInBytes];
        using var hash = new Sm3();
        key.PublicKey.ComputeZ(Sm2.DefaultId, digest);
        hash.Append(digest);

        // Step 3: stream, sign, complete.
        using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        using UnsignedCrl unsigned = writer.WriteTbs(file, CrlIndex.Read(index), hash.Append);
        hash.GetHashAndReset(digest);
        Span<byte> signature = stackalloc byte[Sm2.SignatureSizeInBytes];
        key.SignDigest(digest, signature);
        unsigned.Complete(Der.Encode(Sm2Signature.FromRaw(signature)));
    }

    private static void Check(OpenSslCa theirs, string path)
    {
        theirs.Read(path);
        (ReadOnlyMemory<byte> tbs, ReadOnlyMemory<byte> signature) = Take(File.ReadAllBytes(path));
        theirs.Verify(tbs.Span, signature.Span);
        if (!Revoked(tbs).Span.SequenceEqual(Revoked(Take(theirs.ReadCrl()).Tbs).Span))
        {
            throw new InvalidOperationException("The two CRLs do not list the same.");
        }
    }

    private static (ReadOnlyMemory<byte> Tbs, ReadOnlyMemory<byte> Signature) Take(byte[] crl)
    {
        AsnReader fields = new AsnReader(crl, AsnEncodingRules.DER).ReadSequence();
        ReadOnlyMemory<byte> tbs = fields.ReadEncodedValue();
        fields.ReadEncodedValue();
        return (tbs, fields.ReadBitString(out _));
    }

    private static ReadOnlyMemory<byte> Revoked(ReadOnlyMemory<byte> tbs)
    {
        // version, signature, issuer, thisUpdate, nextUpdate
        AsnReader fields = new AsnReader(tbs, AsnEncodingRules.DER).ReadSequence();
        for (int i = 0; i < 5; i++)
        {
            fields.ReadEncodedValue();
        }

        return fields.ReadEncodedValue();
    }

    private static void Row(string name, double[] seconds, long peak) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-28} {SideBySide.Median(seconds),10:0.00} {seconds.Min(),10:0.00} {seconds.Max(),10:0.00} {peak / MiB,10:0.0}"));
}
