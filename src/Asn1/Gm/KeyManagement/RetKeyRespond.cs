using System.Formats.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// RetKeyRespond ::= SEQUENCE {
///     userCertNo CertificateSerialNumber,
///     retPubKey  SubjectPublicKeyInfo,
///     retPriKey  SignedAndEnvelopedData }
/// </code>
/// GM/T 0014-2012 §5.2.3: the encryption key pair. The CA certifies retPubKey and passes retPriKey on, which only the user can open.
/// </summary>
/// <param name="UserCertNo">That of the request.</param>
/// <param name="RetPriKey">Of GM/T 0010, without a ContentInfo around it.</param>
public sealed record RetKeyRespond(SerialNumber UserCertNo, SubjectPublicKeyInfo RetPubKey, SignedAndEnvelopedData RetPriKey) : IDer<RetKeyRespond>
{
    public static RetKeyRespond Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        RetKeyRespond respond = ReadFields(sequence);
        sequence.ThrowIfNotEmpty();
        return respond;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            WriteFields(writer);
        }
    }

    internal static RetKeyRespond ReadFields(AsnReader fields) => new(
        SerialNumber.Read(fields),
        SubjectPublicKeyInfo.Read(fields),
        SignedAndEnvelopedData.Read(fields));

    internal void WriteFields(AsnWriter writer)
    {
        UserCertNo.Write(writer);
        RetPubKey.Write(writer);
        RetPriKey.Write(writer);
    }
}
