using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>An SM2 public key: a point of the curve other than infinity. Immutable; safe for concurrent use.</summary>
public sealed class Sm2PublicKey
{
    private const int PreparedWidth = 5;
    private const int MaxIdLength = ushort.MaxValue / 8;

    private readonly AffinePoint _point;
    private readonly byte[] _bytes;
    private readonly byte[] _defaultZ = new byte[Sm3.HashSizeInBytes];
    private volatile CombTable? _table;

    internal Sm2PublicKey(in AffinePoint point)
    {
        _point = point;
        _bytes = new byte[Sm2.PublicKeySizeInBytes];
        WritePoint(_bytes, in point);
        ComputeZ(Sm2.DefaultId, _defaultZ);
    }

    /// <summary>Reads a point.</summary>
    /// <param name="bytes">65 bytes 04‖X‖Y, or 33 bytes 02/03‖X (GM/T 0009-2023 §7.1), X and Y big-endian.</param>
    /// <exception cref="CryptographicException">Another length or prefix, a coordinate not below p, or a point off the curve.</exception>
    public static Sm2PublicKey FromBytes(ReadOnlySpan<byte> bytes) =>
        TryFromBytes(bytes, out Sm2PublicKey? key) ? key : throw new CryptographicException("Not a point of the SM2 curve.");

    /// <summary>As <see cref="FromBytes"/>, for bytes that may be anything: false where that throws.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Sm2PublicKey? key)
    {
        key = TryReadPoint(bytes, out AffinePoint point) ? new Sm2PublicKey(in point) : null;
        return key is not null;
    }

    /// <returns>65 bytes 04‖X‖Y.</returns>
    public byte[] ToBytes() => [.. _bytes];

    /// <summary>
    /// Makes a table (52 KiB) that more than doubles the speed of <see cref="VerifyDigest"/>; worth it from some ten verifications with one key.
    /// </summary>
    public void Prepare() => _table ??= CombTable.Build(in _point, PreparedWidth);

    /// <summary>Verifies a signature over a message with the default identity.</summary>
    /// <inheritdoc cref="Verify(ReadOnlySpan{byte}, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => VerifyWithZ(message, signature, _defaultZ);

    /// <summary>Verifies a signature over a message (GM/T 0003.2 §7.1).</summary>
    /// <param name="signature">64 bytes r‖s; every other length is false.</param>
    /// <param name="id">The signer's identity, at most 8191 bytes; empty is an identity of its own, not the default.</param>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> id)
    {
        Span<byte> z = stackalloc byte[Sm3.HashSizeInBytes];
        ComputeZ(id, z);
        return VerifyWithZ(message, signature, z);
    }

    /// <summary>Verifies a signature over e = SM3(Z ‖ message).</summary>
    /// <param name="digest">e, 32 bytes.</param>
    /// <param name="signature">64 bytes r‖s; every other length is false.</param>
    public bool VerifyDigest(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (digest.Length != Sm2.ScalarSizeInBytes)
        {
            throw new ArgumentException("A digest e has 32 bytes.", nameof(digest));
        }

        if (signature.Length != Sm2.SignatureSizeInBytes)
        {
            return false;
        }

        // Steps B1, B2, B5: r, s and t = r + s are in [1, n − 1].
        Scalar r = Scalar.FromBytes(signature), s = Scalar.FromBytes(signature[Sm2.ScalarSizeInBytes..]);
        if ((Scalar.BelowOrderMask(in r) & Scalar.BelowOrderMask(in s) & ~Scalar.IsZeroMask(in r) & ~Scalar.IsZeroMask(in s)) == 0)
        {
            return false;
        }

        Scalar.Add(out Scalar t, in r, in s);
        if (Scalar.IsZeroMask(in t) != 0)
        {
            return false;
        }

        // Steps B6, B7: x(s·G + t·P) ≡ r − e (mod n), compared as X = x·Z² without an inversion.
        Scalar.ReduceOnce(out Scalar x, Scalar.FromBytes(digest));
        Scalar.Subtract(out x, in r, in x);
        return Sum(in s, in t, out FieldElement numerator, out FieldElement denominator) && MatchesX(in x, in numerator, in denominator);
    }

    /// <summary>Encrypts (GM/T 0003.4 §6.1) with a fresh ephemeral key.</summary>
    /// <param name="plaintext">1 byte or more.</param>
    /// <returns>04‖X‖Y‖C3‖C2: 97 bytes more than the plaintext (<see cref="Sm2.CiphertextOverheadInBytes"/>).</returns>
    public byte[] Encrypt(ReadOnlySpan<byte> plaintext)
    {
        if (plaintext.IsEmpty)
        {
            throw new ArgumentException("SM2 encrypts at least one byte.", nameof(plaintext));
        }

        byte[] ciphertext = new byte[plaintext.Length + Sm2.CiphertextOverheadInBytes];
        try
        {
            Encrypt(plaintext, ciphertext, RandomNumberGenerator.Fill);
        }
        finally
        {
            Erasure.EraseStack();
        }

        return ciphertext;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Encrypt(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, FillRandom fill)
    {
        Scalar k;
        do
        {
            Sm2Random.NextScalar(out k, fill);
        }
        while (!TryEncrypt(plaintext, in k, ciphertext));
    }

    /// <returns>False when the derived key stream is all zero, which asks for another k (step A5).</returns>
    internal bool TryEncrypt(ReadOnlySpan<byte> plaintext, in Scalar k, Span<byte> ciphertext)
    {
        Sm2PrivateKey.MultiplyGenerator(out AffinePoint c1, in k);
        WritePoint(ciphertext, in c1);
        WindowMultiplication.MultiplySecret(out AffinePoint shared, in _point, in k);
        Span<byte> c3 = ciphertext.Slice(Sm2.PublicKeySizeInBytes, Sm3.HashSizeInBytes);
        Span<byte> c2 = ciphertext[Sm2.CiphertextOverheadInBytes..];
        bool done = Sm2Cipher.Mask(in shared, plaintext, c2);
        Sm2Cipher.ComputeC3(in shared, plaintext, c3);
        return done;
    }

    /// <summary>Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ Gx ‖ Gy ‖ X ‖ Y) (GM/T 0003.2 §5.5).</summary>
    /// <param name="id">At most 8191 bytes.</param>
    /// <param name="destination">The first 32 bytes are written.</param>
    /// <exception cref="ArgumentException">A longer identity or a shorter destination.</exception>
    public void ComputeZ(ReadOnlySpan<byte> id, Span<byte> destination)
    {
        RequireHashSpace(destination);
        if (id.Length > MaxIdLength)
        {
            throw new ArgumentException("An SM2 identity has at most 8191 bytes.", nameof(id));
        }

        Span<byte> bitLength = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bitLength, (ushort)(id.Length * 8));
        var hash = new Sm3State();
        hash.Append(bitLength);
        hash.Append(id);
        hash.Append(Sm2.CurveParameters);
        hash.Append(_bytes.AsSpan(1));
        hash.Finish(destination);
    }

    /// <summary>e = SM3(Z ‖ message) with the default identity.</summary>
    /// <param name="destination">The first 32 bytes are written.</param>
    public void ComputeDigest(ReadOnlySpan<byte> message, Span<byte> destination) => ComputeDigest(message, _defaultZ, destination);

    internal static void ComputeDigest(ReadOnlySpan<byte> message, ReadOnlySpan<byte> z, Span<byte> destination)
    {
        RequireHashSpace(destination);
        var hash = new Sm3State();
        hash.Append(z);
        hash.Append(message);
        hash.Finish(destination);
    }

    internal static bool TryReadPoint(ReadOnlySpan<byte> bytes, out AffinePoint point)
    {
        point = default;
        bool compressed = bytes.Length == 1 + Sm2.ScalarSizeInBytes && bytes[0] is 2 or 3;
        if (!compressed && !(bytes.Length == Sm2.PublicKeySizeInBytes && bytes[0] == 4))
        {
            return false;
        }

        if (!TryReadCoordinate(bytes.Slice(1, Sm2.ScalarSizeInBytes), out point.X))
        {
            return false;
        }

        return compressed
            ? point.TrySolveY(odd: bytes[0] == 3)
            : TryReadCoordinate(bytes[(1 + Sm2.ScalarSizeInBytes)..], out point.Y) && point.IsOnCurve();
    }

    internal static void WritePoint(Span<byte> destination, in AffinePoint point)
    {
        destination[0] = 4;
        FieldElement.ToInteger(out Scalar x, in point.X);
        FieldElement.ToInteger(out Scalar y, in point.Y);
        x.ToBytes(destination[1..]);
        y.ToBytes(destination[(1 + Sm2.ScalarSizeInBytes)..]);
    }

    private static void RequireHashSpace(Span<byte> destination)
    {
        if (destination.Length < Sm3.HashSizeInBytes)
        {
            throw new ArgumentException("The destination has fewer than 32 bytes.", nameof(destination));
        }
    }

    private static bool TryReadCoordinate(ReadOnlySpan<byte> bytes, out FieldElement coordinate)
    {
        Scalar integer = Scalar.FromBytes(bytes);
        FieldElement.FromInteger(out coordinate, in integer);
        FieldElement.ToInteger(out Scalar canonical, in coordinate);
        return canonical.W0 == integer.W0 && canonical.W1 == integer.W1 && canonical.W2 == integer.W2 && canonical.W3 == integer.W3;
    }

    private bool VerifyWithZ(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> z)
    {
        Span<byte> digest = stackalloc byte[Sm3.HashSizeInBytes];
        ComputeDigest(message, z, digest);
        return VerifyDigest(digest, signature);
    }

    // x(s·G + t·P) = numerator / denominator; false at infinity.
    private bool Sum(in Scalar s, in Scalar t, out FieldElement numerator, out FieldElement denominator)
    {
        if (_table is { } table)
        {
            XyzzPoint sum = default;
            bool empty = true;
            CombTable.Generator.AddPublicMultiple(ref sum, ref empty, in s);
            table.AddPublicMultiple(ref sum, ref empty, in t);
            numerator = sum.X;
            denominator = sum.ZZ;
        }
        else
        {
            WindowMultiplication.AddPublic(out JacobianPoint sum, in s, in _point, in t);
            numerator = sum.X;
            FieldElement.Square(out denominator, in sum.Z);
        }

        if (FieldElement.IsZeroMask(in denominator) == 0)
        {
            return true;
        }

        // An addition of equal or opposite points, which only somebody who chose the key so can bring about.
        CompletePoint.Multiply(out CompletePoint generatorPart, in s, AffinePoint.Generator);
        CompletePoint.Multiply(out CompletePoint keyPart, in t, in _point);
        CompletePoint.Add(out CompletePoint complete, in generatorPart, in keyPart);
        numerator = complete.X;
        denominator = complete.Z;
        return FieldElement.IsZeroMask(in denominator) == 0;
    }

    // The x coordinate is below p, x only known modulo n: it may be x or x + n.
    private static bool MatchesX(in Scalar x, in FieldElement numerator, in FieldElement denominator)
    {
        if (Matches(in x, in numerator, in denominator))
        {
            return true;
        }

        ulong carry = Scalar.AddWords(out Scalar other, in x, new Scalar(Scalar.N0, Scalar.N1, Scalar.N2, Scalar.N3));
        return carry == 0 && FieldElement.BelowModulus(in other) && Matches(in other, in numerator, in denominator);
    }

    private static bool Matches(in Scalar x, in FieldElement numerator, in FieldElement denominator)
    {
        FieldElement.FromInteger(out FieldElement expected, in x);
        FieldElement.Multiply(out expected, in expected, in denominator);
        FieldElement.Subtract(out expected, in expected, in numerator);
        return FieldElement.IsZeroMask(in expected) != 0;
    }
}
