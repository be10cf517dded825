using System.Formats.Asn1;
using System.Text;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// AppUserInfo ::= SEQUENCE {
///     userCertNo     CertificateSerialNumber,
///     userPubKey     SubjectPublicKeyInfo,
///     notBefore      GeneralizedTime,
///     notAfter       GeneralizedTime,
///     userName   [0] EXPLICIT OCTET STRING OPTIONAL,
///     dsCode     [1] EXPLICIT IA5String OPTIONAL,
///     extendInfo [2] EXPLICIT IA5String OPTIONAL }
/// </code>
/// GM/T 0014-2012 §5.2.3.2: for whom a key pair is asked.
/// </summary>
public sealed class AppUserInfo : IDer<AppUserInfo>
{
    private const string WrongPeriod = "The key's period ends before it begins.";

    /// <param name="userName">Written as UTF-8.</param>
    /// <param name="dsCode">ASCII.</param>
    /// <param name="extendInfo">ASCII.</param>
    /// <exception cref="ArgumentException">The period ends before it begins, or a text is not ASCII.</exception>
    public AppUserInfo(
        SerialNumber userCertNo,
        SubjectPublicKeyInfo userPubKey,
        Time notBefore,
        Time notAfter,
        string? userName = null,
        string? dsCode = null,
        string? extendInfo = null)
        : this(
            userCertNo,
            userPubKey,
            notBefore,
            notAfter < notBefore ? throw new ArgumentException(WrongPeriod, nameof(notAfter)) : notAfter,
            userName is null ? default(ReadOnlyMemory<byte>?) : Encoding.UTF8.GetBytes(userName),
            dsCode is null ? null : new Ia5Text(dsCode),
            extendInfo is null ? null : new Ia5Text(extendInfo))
    {
    }

    private AppUserInfo(
        SerialNumber userCertNo,
        SubjectPublicKeyInfo userPubKey,
        Time notBefore,
        Time notAfter,
        ReadOnlyMemory<byte>? userName,
        FreeText? dsCode,
        FreeText? extendInfo)
    {
        UserCertNo = userCertNo;
        UserPubKey = userPubKey;
        NotBefore = notBefore;
        NotAfter = notAfter;
        UserName = userName;
        DsCode = dsCode;
        ExtendInfo = extendInfo;
    }

    /// <summary>Serial number of the encryption certificate to be issued, chosen by the CA and used once.</summary>
    public SerialNumber UserCertNo { get; }

    /// <summary>The user's signing key: the private key comes back encrypted to it.</summary>
    public SubjectPublicKeyInfo UserPubKey { get; }

    public Time NotBefore { get; }

    public Time NotAfter { get; }

    /// <summary>Null when absent. UTF-8 from us; a DER Name and other encodings are met, so these are bytes.</summary>
    public ReadOnlyMemory<byte>? UserName { get; }

    /// <summary>Region code (地区代码); a KM that gets one must store it. Null when absent.</summary>
    public FreeText? DsCode { get; }

    /// <summary>Null when absent.</summary>
    public FreeText? ExtendInfo { get; }

    public static AppUserInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var info = new AppUserInfo(
            SerialNumber.Read(sequence),
            SubjectPublicKeyInfo.Read(sequence),
            Time.ReadGeneralized(sequence),
            Time.ReadGeneralized(sequence),
            sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, content => content.ReadOctets()) : default(ReadOnlyMemory<byte>?),
            sequence.ReadOptionalExplicit<FreeText>(Tags.Context1),
            sequence.ReadOptionalExplicit<FreeText>(Tags.Context2));
        sequence.ThrowIfNotEmpty();
        return info.NotBefore <= info.NotAfter ? info : throw new AsnContentException(WrongPeriod);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            UserCertNo.Write(writer);
            UserPubKey.Write(writer);
            NotBefore.WriteGeneralized(writer);
            NotAfter.WriteGeneralized(writer);
            if (UserName is { } userName)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    writer.WriteOctetString(userName.Span);
                }
            }

            writer.WriteOptionalExplicit(DsCode, Tags.Context1);
            writer.WriteOptionalExplicit(ExtendInfo, Tags.Context2);
        }
    }
}
