using System.Formats.Asn1;
using System.Reflection;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1;

public sealed class DerTests
{
    /// <summary>.NET says nothing of clearing in <see cref="AsnWriter.Reset"/>, so the buffer itself is looked at.</summary>
    [Fact]
    public void The_writer_keeps_nothing_of_what_it_encoded()
    {
        var witness = new Witness();

        Assert.Equal([0x04, 0x02, 0xab, 0xcd], Der.Encode(witness));

        Assert.Equal(0, witness.Writer!.GetEncodedLength());
        FieldInfo buffer = Assert.Single(
            typeof(AsnWriter).GetFields(BindingFlags.Instance | BindingFlags.NonPublic), f => f.FieldType == typeof(byte[]));
        byte[] kept = Assert.IsType<byte[]>(buffer.GetValue(witness.Writer));
        Assert.NotEmpty(kept);
        Assert.DoesNotContain(kept, b => b != 0);
    }

    [Fact]
    public void A_large_value_is_encoded_in_memory_in_proportion_to_its_size()
    {
        const int Entries = 40_000;
        var revoked = RevokedCertificate.Create(
            SerialNumber.FromBytes([0x40, .. new byte[15]]), PkixSamples.ThisUpdate, RevocationReason.KeyCompromise);
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            PkixSamples.ThisUpdate,
            PkixSamples.NextUpdate,
            [.. Enumerable.Repeat(revoked, Entries)],
            PkixSamples.CrlExtensions);

        byte[] tbsBytes = Encode(tbs);
        byte[] crl = Encode(CertificateList.Assemble(tbsBytes, new byte[71]));
        Encode(Der.Decode<TbsCertList>(tbsBytes));
        Assert.InRange(crl.Length, 1_900_000, 3_000_000);

        static byte[] Encode<T>(T value)
            where T : IDer<T>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            byte[] der = Der.Encode(value);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, der.Length, 4L * der.Length);
            return der;
        }
    }

    /// <summary>Two values read from equal bytes would differ, for such memory compares by place.</summary>
    [Fact]
    public void Records_with_octets_compare_by_content()
    {
        Type[] octets = [typeof(byte[]), typeof(ReadOnlyMemory<byte>), typeof(ReadOnlyMemory<byte>?), typeof(Memory<byte>), typeof(Memory<byte>?)];
        const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        Type[] records = [.. typeof(Der).Assembly.GetTypes().Where(t => t.GetMethod("PrintMembers", Instance) is not null)];
        Assert.Contains(typeof(SubjectKeyIdentifier), records);
        Assert.Contains(typeof(CrlEntry), records);

        Violations.AssertNone(
            from type in records
            where type.GetFields(Instance).Any(f => octets.Contains(f.FieldType))
            let equality = type.GetMethod(nameof(Equals), [type])
            where equality is null || equality.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute))
            select $"{type.FullName} holds octets and compares them by reference.");
    }

    private sealed class Witness : IDer<Witness>
    {
        public AsnWriter? Writer { get; private set; }

        public static Witness Read(AsnReader reader) => throw new NotSupportedException();

        public void Write(AsnWriter writer)
        {
            Writer = writer;
            writer.WriteOctetString([0xab, 0xcd]);
        }
    }
}
