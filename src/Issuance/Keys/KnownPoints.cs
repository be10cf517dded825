using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// Points of a curve whose private key everybody knows, by their X, which a key d shares with its opposite n − d. They are computed at first use, in some
/// tens of milliseconds: d·G for the first numbers d, and for the scalars that standards print.
/// </summary>
internal sealed class KnownPoints
{
    /// <summary>Who makes keys in order, or of a few bits only, begins with these.</summary>
    public const int SmallScalars = 256;

    private const int CoordinateLength = 32;

    // GB/T 32918.5 annexes A and B (GM/T 0003.5): d and k of the signature example, which the encryption example shares; then of the key exchange
    // the private keys of A and B, and their ephemeral ones.
    private static readonly string[] Sm2Examples =
    [
        "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
        "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21",
        "81EB26E941BB5AF16DF116495F90695272AE2CD63D6C4AE1678418BE48230029",
        "785129917D45A9EA5437A59356B82338EAADDA6CEB199088F14AE10DEFA229B5",
        "D4DE15474DB74D06491C440D305E012400990F3E390C7E87153C12DB2EA60BB3",
        "7E07124814B309489125EAED101113164EBF0F3458C5BD88335C1F9D596243D6",
    ];

    // RFC 6979 §A.2.5.
    private static readonly string[] P256Examples = ["C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"];

    private readonly Lazy<FrozenSet<BigInteger>> _abscissas;

    private KnownPoints(IEnumerable<string> examples, Func<byte[], byte[]> abscissaOf) =>
        _abscissas = new Lazy<FrozenSet<BigInteger>>(() =>
            examples.Select(Convert.FromHexString).Concat(FirstScalars()).Select(d => ToNumber(abscissaOf(d))).ToFrozenSet());

    public static KnownPoints Sm2 { get; } = new(Sm2Examples, Sm2Abscissa);

    public static KnownPoints P256 { get; } = new(P256Examples, P256Abscissa);

    /// <param name="abscissa">X, 32 bytes, big-endian.</param>
    public bool Contains(ReadOnlySpan<byte> abscissa) => _abscissas.Value.Contains(ToNumber(abscissa));

    private static IEnumerable<byte[]> FirstScalars()
    {
        for (uint k = 1; k <= SmallScalars; k++)
        {
            byte[] scalar = new byte[CoordinateLength];
            BinaryPrimitives.WriteUInt32BigEndian(scalar.AsSpan(CoordinateLength - sizeof(uint)), k);
            yield return scalar;
        }
    }

    private static byte[] Sm2Abscissa(byte[] scalar)
    {
        using var key = Sm2PrivateKey.FromBytes(scalar);
        return key.PublicKey.ToBytes()[1..(1 + CoordinateLength)];
    }

    private static byte[] P256Abscissa(byte[] scalar)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
        return key.ExportParameters(includePrivateParameters: false).Q.X!;
    }

    private static BigInteger ToNumber(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
}
