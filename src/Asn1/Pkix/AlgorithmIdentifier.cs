using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY DEFINED BY algorithm OPTIONAL }
/// </code>
/// RFC 5280 §4.1.1.2. Parameters are kept as read, so that inner and outer identifiers can be compared byte for byte.
/// </summary>
/// <param name="Algorithm">Dotted OID.</param>
/// <param name="Parameters">One DER element, or null when absent. Only its own tag and length are checked: what is inside may be anything.</param>
public sealed record AlgorithmIdentifier(string Algorithm, ReadOnlyMemory<byte>? Parameters = null) : IDer<AlgorithmIdentifier>
{
    private static readonly byte[] DerNull = [0x05, 0x00];

    public string Algorithm { get; init; } = Require.Oid(Algorithm);

    public static AlgorithmIdentifier Sm3WithSm2 { get; } = new(Oids.Sm3WithSm2);

    public static AlgorithmIdentifier EcdsaWithSha256 { get; } = new(Oids.EcdsaWithSha256);

    /// <summary>RFC 4055 §5: the parameters of the RSA signatures are NULL, not absent.</summary>
    public static AlgorithmIdentifier Sha256WithRsa { get; } = new(Oids.Sha256WithRsa, DerNull);

    /// <summary>RFC 3279 §2.3.1: rsaEncryption as a key algorithm, parameters NULL.</summary>
    public static AlgorithmIdentifier Rsa { get; } = new(Oids.RsaEncryption, DerNull);

    public static AlgorithmIdentifier Sm3 { get; } = new(Oids.Sm3);

    /// <summary>GM/T 0006, GM/T 0009-2012 §7.1: id-ecPublicKey with the SM2 curve.</summary>
    public static AlgorithmIdentifier Sm2Key { get; } = EcKey(Oids.Sm2);

    /// <summary>id-ecPublicKey with a named curve as parameters (RFC 5480 §2.1.1; SM2 likewise).</summary>
    /// <param name="namedCurve">Dotted OID.</param>
    public static AlgorithmIdentifier EcKey(string namedCurve)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(namedCurve);
        return new AlgorithmIdentifier(Oids.EcPublicKey, writer.Encode());
    }

    internal int MaxEncodedLength => (2 * DerHeader.MaxLength) + Algorithm.Length + Parameters.GetValueOrDefault().Length;

    public bool Equals(AlgorithmIdentifier? other) =>
        other is not null
        && Algorithm == other.Algorithm
        && Parameters.ContentEquals(other.Parameters);

    public override int GetHashCode() => HashCode.Combine(Algorithm, Parameters.GetValueOrDefault().ContentHash());

    public static AlgorithmIdentifier Read(AsnReader reader)
    {
        // Tolerance: SM2 with SM3 is met with NULL parameters (GM/T 0015-2012 annex D) and without (§5.2.2); both are read and kept, and
        // we write it without.
        AsnReader sequence = reader.ReadSequence();
        string algorithm = sequence.ReadObjectIdentifier();

        // Not "null": that would be taken for an array and become present but empty.
        ReadOnlyMemory<byte>? parameters = sequence.HasData ? sequence.ReadEncodedValue() : default(ReadOnlyMemory<byte>?);
        sequence.ThrowIfNotEmpty();
        return new AlgorithmIdentifier(algorithm, parameters);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Algorithm);
            if (Parameters is { } parameters)
            {
                writer.WriteEncodedValue(parameters.Span);
            }
        }
    }
}
