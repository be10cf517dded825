using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// Request ::= CHOICE {
///     applyKeyReq   [0] IMPLICIT ApplyKeyReq,
///     restoreKeyReq [1] IMPLICIT RestoreKeyReq,
///     revokeKeyReq  [2] IMPLICIT RevokeKeyReq }
/// </code>
/// GM/T 0014-2012 §5.2.3.2.
/// </summary>
public abstract record Request : IDer<Request>
{
    // Closed: the alternatives are those of this file.
    private protected Request()
    {
    }

    /// <summary>True only for a request read under a tolerance; see KeyManagementFields.</summary>
    public bool TagIsExplicit { get; private init; }

    private protected abstract Asn1Tag Tag { get; }

    public static Request Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.TagClass != TagClass.ContextSpecific)
        {
            throw new AsnContentException("Not a Request.");
        }

        AsnReader fields = KeyManagementFields.ReadAlternative(reader, out bool tagIsExplicit);
        Request request = tag.TagValue switch
        {
            0 => ApplyKeyReq.ReadFields(fields),
            1 => RestoreKeyReq.ReadFields(fields),
            2 => RevokeKeyReq.ReadFields(fields),
            _ => throw new AsnContentException("Not a Request."),
        };
        fields.ThrowIfNotEmpty();
        return tagIsExplicit ? request with { TagIsExplicit = true } : request;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence(Tag))
        using (AsnWriter.Scope? sequence = TagIsExplicit ? writer.PushSequence() : null)
        {
            WriteFields(writer);
        }
    }

    private protected abstract void WriteFields(AsnWriter writer);
}

/// <summary>
/// <code>
/// ApplyKeyReq ::= SEQUENCE {
///     appKeyType  AlgorithmIdentifier,
///     appKeyLen   INTEGER,
///     retAsymAlg  AlgorithmIdentifier,
///     retSymAlg   AlgorithmIdentifier,
///     retHashAlg  AlgorithmIdentifier,
///     appUserInfo AppUserInfo }
/// </code>
/// GM/T 0014-2012 §5.2.3.2: a new encryption key pair, and the algorithms of the envelope that brings its private key.
/// </summary>
/// <param name="AppKeyLen">Bits; 256 for SM2.</param>
public sealed record ApplyKeyReq(
    AlgorithmIdentifier AppKeyType,
    int AppKeyLen,
    AlgorithmIdentifier RetAsymAlg,
    AlgorithmIdentifier RetSymAlg,
    AlgorithmIdentifier RetHashAlg,
    AppUserInfo AppUserInfo) : Request
{
    private const int Sm2KeyLength = 256;

    /// <summary>Bits, positive.</summary>
    public int AppKeyLen { get; } = AppKeyLen > 0 ? AppKeyLen : throw new ArgumentOutOfRangeException(nameof(AppKeyLen), AppKeyLen, "A key has bits.");

    private protected override Asn1Tag Tag => Tags.Context0;

    /// <summary>An SM2 key in an envelope of SM2, SM4 and SM3.</summary>
    public static ApplyKeyReq Sm2(AppUserInfo appUserInfo) => new(
        new AlgorithmIdentifier(Oids.Sm2),
        Sm2KeyLength,
        new AlgorithmIdentifier(Oids.Sm2Encrypt),
        new AlgorithmIdentifier(Oids.Sm4),
        AlgorithmIdentifier.Sm3,
        appUserInfo);

    internal static ApplyKeyReq ReadFields(AsnReader fields) => new(
        AlgorithmIdentifier.Read(fields),
        fields.ReadCount() is > 0 and var appKeyLen ? appKeyLen : throw new AsnContentException("A key has bits."),
        AlgorithmIdentifier.Read(fields),
        AlgorithmIdentifier.Read(fields),
        AlgorithmIdentifier.Read(fields),
        AppUserInfo.Read(fields));

    private protected override void WriteFields(AsnWriter writer)
    {
        AppKeyType.Write(writer);
        writer.WriteInteger(AppKeyLen);
        RetAsymAlg.Write(writer);
        RetSymAlg.Write(writer);
        RetHashAlg.Write(writer);
        AppUserInfo.Write(writer);
    }
}

/// <summary>
/// <code>
/// RestoreKeyReq ::= SEQUENCE {
///     retAsymAlg AlgorithmIdentifier,
///     retSymAlg  AlgorithmIdentifier,
///     retHashAlg AlgorithmIdentifier,
///     userCertNo CertificateSerialNumber,
///     userPubKey SubjectPublicKeyInfo }
/// </code>
/// GM/T 0014-2012 §5.2.3.2: the escrowed key pair of an encryption certificate once more.
/// </summary>
/// <param name="UserCertNo">As in the ApplyKeyReq that bound the key.</param>
/// <param name="UserPubKey">The private key comes back encrypted to it: the signing key bound at first, or after a loss the user's new one.</param>
public sealed record RestoreKeyReq(
    AlgorithmIdentifier RetAsymAlg,
    AlgorithmIdentifier RetSymAlg,
    AlgorithmIdentifier RetHashAlg,
    SerialNumber UserCertNo,
    SubjectPublicKeyInfo UserPubKey) : Request
{
    private protected override Asn1Tag Tag => Tags.Context1;

    /// <summary>In an envelope of SM2, SM4 and SM3.</summary>
    public static RestoreKeyReq Sm2(SerialNumber userCertNo, SubjectPublicKeyInfo userPubKey) => new(
        new AlgorithmIdentifier(Oids.Sm2Encrypt), new AlgorithmIdentifier(Oids.Sm4), AlgorithmIdentifier.Sm3, userCertNo, userPubKey);

    internal static RestoreKeyReq ReadFields(AsnReader fields) => new(
        AlgorithmIdentifier.Read(fields),
        AlgorithmIdentifier.Read(fields),
        AlgorithmIdentifier.Read(fields),
        SerialNumber.Read(fields),
        SubjectPublicKeyInfo.Read(fields));

    private protected override void WriteFields(AsnWriter writer)
    {
        RetAsymAlg.Write(writer);
        RetSymAlg.Write(writer);
        RetHashAlg.Write(writer);
        UserCertNo.Write(writer);
        UserPubKey.Write(writer);
    }
}

/// <summary>
/// <code>
/// RevokeKeyReq ::= SEQUENCE { userCertNo CertificateSerialNumber }
/// </code>
/// GM/T 0014-2012 §5.2.3.2: the key pair of an encryption certificate is used no more.
/// </summary>
public sealed record RevokeKeyReq(SerialNumber UserCertNo) : Request
{
    private protected override Asn1Tag Tag => Tags.Context2;

    internal static RevokeKeyReq ReadFields(AsnReader fields) => new(SerialNumber.Read(fields));

    private protected override void WriteFields(AsnWriter writer) => UserCertNo.Write(writer);
}
