using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Keys;

public class KeyQualityTests
{
    private static readonly SubjectPublicKeyInfo Rsa = OfRsa(2048);

    [Fact]
    public void KeysOfGoodGenerators_Pass()
    {
        Assert.Null(KeyQuality.Find(OfSm2(Sm2PrivateKey.Generate())));
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(KeyQuality.Find(Der.Decode<SubjectPublicKeyInfo>(ecdsa.ExportSubjectPublicKeyInfo())));
        Assert.Null(KeyQuality.Find(Rsa));
        KeyQuality.Require(Rsa);
    }

    [Fact]
    public void Refusal_SaysWhatToDoAndHasTheKind()
    {
        RefusalException e = Assert.Throws<RefusalException>(() => KeyQuality.Require(PublishedKeys.Read("roca-2048")));

        Assert.Equal(Refusal.BadPublicKey, e.Kind);
        Assert.Equal(KeyFault.Roca.Explain(), e.Message);
        Assert.Contains("重新生成", e.Message);
    }

    [Theory]
    [MemberData(nameof(EveryFault))]
    public void EveryFault_HasASentenceInBothLanguages(KeyFault fault)
    {
        Assert.EndsWith(".", fault.Describe());
        Assert.EndsWith("。", fault.Explain());
        Assert.Contains("请", fault.Explain());
    }

    public static TheoryData<KeyFault> EveryFault => [.. Enum.GetValues<KeyFault>()];

    [Theory]
    [InlineData("1.2.156.10197.1.301", null)] // the curve as algorithm, as a few old products have it
    [InlineData("1.2.840.10045.2.1", null)]
    [InlineData("1.2.840.10045.2.1", "0500")]
    [InlineData("1.2.840.10045.2.1", "06052B81040022")] // P-384
    [InlineData("1.2.840.10045.2.1", "3000")] // parameters of the curve written out
    [InlineData("1.2.840.113549.1.1.1", null)] // RSA without NULL
    [InlineData("1.2.840.113549.1.1.10", "0500")] // RSASSA-PSS
    [InlineData("1.2.840.10040.4.1", "0500")] // DSA
    [InlineData("1.3.101.112", null)] // Ed25519
    public void OtherAlgorithm_IsRefused(string algorithm, string? parameters)
    {
        ReadOnlyMemory<byte>? encoded = parameters is null ? default(ReadOnlyMemory<byte>?) : Convert.FromHexString(parameters);

        Assert.Equal(KeyFault.Algorithm, KeyQuality.Find(new SubjectPublicKeyInfo(new AlgorithmIdentifier(algorithm, encoded), Rsa.PublicKey)));
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void PointOfAnotherForm_IsRefused(string curve)
    {
        byte[] point = PointOf(curve, 1000);

        Assert.Null(FindPoint(curve, point));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, [0x00]));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, []));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, [(byte)(2 + (point[^1] & 1)), .. point[1..33]]));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, [(byte)(6 + (point[^1] & 1)), .. point[1..]]));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, [.. point, 0]));
        Assert.Equal(KeyFault.PointForm, FindPoint(curve, point[..^1]));
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void PointOffTheCurve_IsRefused(string curve)
    {
        byte[] point = PointOf(curve, 1000);
        point[^1] ^= 1;

        Assert.Equal(KeyFault.OffCurve, FindPoint(curve, point));
        Assert.Equal(KeyFault.OffCurve, FindPoint(curve, [0x04, .. new byte[64]]));
        Assert.Equal(KeyFault.OffCurve, FindPoint(curve, [0x04, .. Enumerable.Repeat((byte)0xFF, 64)]));

        // A point of the other curve.
        Assert.Equal(KeyFault.OffCurve, FindPoint(curve, PointOf(curve == Oids.Sm2 ? Oids.P256 : Oids.Sm2, 1000)));
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void PointWithCoordinatesNotBelowP_IsRefused(string curve)
    {
        // The smallest x for which x³ + ax + b is a square: with p added it still has 32 bytes, and is the same point for who does not look.
        (BigInteger p, BigInteger b) = Parameters(curve);
        BigInteger x = 0;
        BigInteger y;
        do
        {
            x++;
            BigInteger square = ((x * x * x) - (3 * x) + b) % p;
            y = BigInteger.ModPow(square, (p + 1) / 4, p);
            if (y * y % p == square)
            {
                break;
            }
        }
        while (true);

        Assert.Null(FindPoint(curve, [0x04, .. ToBytes(x), .. ToBytes(y)]));
        Assert.Equal(KeyFault.OffCurve, FindPoint(curve, [0x04, .. ToBytes(x + p), .. ToBytes(y)]));
    }

    [Theory]
    [InlineData(Oids.Sm2, 1)]
    [InlineData(Oids.Sm2, 2)]
    [InlineData(Oids.Sm2, 256)]
    [InlineData(Oids.P256, 1)]
    [InlineData(Oids.P256, 3)]
    [InlineData(Oids.P256, 256)]
    public void TinyPrivateKey_IsRefused(string curve, int d)
    {
        byte[] point = PointOf(curve, d);
        (BigInteger p, _) = Parameters(curve);
        BigInteger y = new(point.AsSpan(33), isUnsigned: true, isBigEndian: true);

        Assert.Equal(KeyFault.KnownKey, FindPoint(curve, point));
        Assert.Equal(KeyFault.KnownKey, FindPoint(curve, [.. point[..33], .. ToBytes(p - y)]));
        Assert.Null(FindPoint(curve, PointOf(curve, 256 + d)));
    }

    /// <summary>Public keys as GB/T 32918.5 and RFC 6979 print them: nothing that we computed.</summary>
    [Theory]
    [InlineData(Oids.Sm2, "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13")]
    [InlineData(Oids.Sm2, "160E12897DF4EDB61DD812FEB96748FBD3CCF4FFE26AA6F6DB9540AF49C942324A7DAD08BB9A459531694BEB20AA489D6649975E1BFCF8C4741B78B4B223007F")]
    [InlineData(Oids.Sm2, "6AE848C57C53C7B1B5FA99EB2286AF078BA64C64591B8B566F7357D576F16DFBEE489D771621A27B36C5C7992062E9CD09A9264386F3FBEA54DFF69305621C4D")]
    [InlineData(Oids.Sm2, "64CED1BDBC99D590049B434D0FD73428CF608A5DB8FE5CE07F15026940BAE40E376629C7AB21E7DB260922499DDB118F07CE8EAAE3E7720AFEF6A5CC062070C0")]
    [InlineData(Oids.Sm2, "ACC27688A6F7B706098BC91FF3AD1BFF7DC2802CDB14CCCCDB0A90471F9BD7072FEDAC0494B2FFC4D6853876C79B8F301C6573AD0AA50F39FC87181E1A1B46FE")]
    [InlineData(Oids.Sm2, "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0")]
    [InlineData(Oids.P256, "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299")]
    public void ExampleOfAStandard_IsRefused(string curve, string point) =>
        Assert.Equal(KeyFault.KnownKey, FindPoint(curve, [0x04, .. Convert.FromHexString(point)]));

    [Theory]
    [InlineData("3082010A", "3082010B")] // the length says more than there is
    [InlineData("0203010001", "020400010001")] // an exponent with a zero too many
    [InlineData("0203010001", "0203810001")] // negative
    [InlineData("0203010001", "0403010001")] // no INTEGER
    [InlineData("0203010001", "020301000100")] // something behind
    public void RsaKeyThatIsNotDer_IsRefused(string part, string replacement)
    {
        string hex = Convert.ToHexString(Rsa.PublicKey.Span);
        Assert.Contains(part, hex);
        byte[] changed = Convert.FromHexString(hex.Replace(part, replacement, StringComparison.Ordinal));

        Assert.Equal(KeyFault.RsaForm, KeyQuality.Find(Rsa with { PublicKey = changed }));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2040)]
    [InlineData(2047)]
    [InlineData(2049)]
    [InlineData(3071)]
    [InlineData(8193)]
    [InlineData(8200)]
    [InlineData(16384)]
    public void RsaModulusOfAnotherSize_IsRefused(int bits) =>
        Assert.Equal(KeyFault.RsaSize, KeyQuality.Find(OfModulus((BigInteger.One << (bits - 1)) + 1)));

    [Theory]
    [InlineData(2048)]
    [InlineData(2056)]
    [InlineData(8192)]
    public void RsaModulusOfAnAcceptedSize_IsLookedAt(int bits) =>
        Assert.Equal(KeyFault.SmallFactor, KeyQuality.Find(OfModulus(BigInteger.One << (bits - 1))));

    [Theory]
    [InlineData("01", false)]
    [InlineData("03", false)]
    [InlineData("11", false)]
    [InlineData("FFFF", false)]
    [InlineData("010000", false)]
    [InlineData("010001", true)]
    [InlineData("010002", false)]
    [InlineData("010003", true)]
    [InlineData("01000001", true)]
    [InlineData("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", true)]
    [InlineData("010000000000000000000000000000000000000000000000000000000000000001", false)]
    public void RsaExponent_IsOddAndOfReasonableSize(string exponent, bool accepted)
    {
        RsaPublicKey key = Der.Decode<RsaPublicKey>(Rsa.PublicKey);
        var changed = SubjectPublicKeyInfo.ForRsa(new RsaPublicKey(key.Modulus, Convert.FromHexString(exponent)));

        Assert.Equal(accepted ? null : KeyFault.RsaExponent, KeyQuality.Find(changed));
    }

    [Theory]
    [InlineData("debian-2048", KeyFault.DebianRandom)]
    [InlineData("roca-2048", KeyFault.Roca)]
    [InlineData("fermat-2048", KeyFault.CloseFactors)]
    [InlineData("prime-2048", KeyFault.OnePrime)]
    [InlineData("small-factors-4096", KeyFault.SmallFactor)]
    public void PublishedWeakKey_IsRefusedForItsWeakness(string name, KeyFault fault) =>
        Assert.Equal(fault, KeyQuality.Find(PublishedKeys.Read(name)));

    public static TheoryData<string> Curves => [Oids.Sm2, Oids.P256];

    private static SubjectPublicKeyInfo OfSm2(Sm2PrivateKey key) => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());

    private static SubjectPublicKeyInfo OfRsa(int bits)
    {
        using var rsa = RSA.Create(bits);
        return Der.Decode<SubjectPublicKeyInfo>(rsa.ExportSubjectPublicKeyInfo());
    }

    private static SubjectPublicKeyInfo OfModulus(BigInteger modulus) =>
        SubjectPublicKeyInfo.ForRsa(new RsaPublicKey(modulus.ToByteArray(isUnsigned: true, isBigEndian: true), new byte[] { 1, 0, 1 }));

    private static KeyFault? FindPoint(string curve, byte[] point) => KeyQuality.Find(new SubjectPublicKeyInfo(AlgorithmIdentifier.EcKey(curve), point));

    /// <returns>04‖X‖Y of d·G.</returns>
    private static byte[] PointOf(string curve, int d)
    {
        if (curve == Oids.Sm2)
        {
            return Sm2PrivateKey.FromBytes(ToBytes(d)).PublicKey.ToBytes();
        }

        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = ToBytes(d) });
        ECPoint point = key.ExportParameters(includePrivateParameters: false).Q;
        return [0x04, .. point.X!, .. point.Y!];
    }

    private static byte[] ToBytes(BigInteger number)
    {
        byte[] bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[32 - bytes.Length], .. bytes];
    }

    // GB/T 32918.5 §2; SP 800-186 §3.2.1.3. Both have a = −3 and p ≡ 3 (mod 4).
    private static (BigInteger P, BigInteger B) Parameters(string curve) => curve == Oids.Sm2
        ? (Hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF"),
            Hex("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"))
        : (Hex("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"),
            Hex("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B"));

    private static BigInteger Hex(string digits) => new(Convert.FromHexString(digits), isUnsigned: true, isBigEndian: true);
}
