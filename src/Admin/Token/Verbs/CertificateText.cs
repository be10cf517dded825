using System.Net;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Token;

/// <summary>What a certificate shall say, in words: every field of a <see cref="CertificateBody"/>.</summary>
internal static class CertificateText
{
    private const int Ipv4Length = 4;
    private const int Ipv6Length = 16;

    public static void Append(StringBuilder text, CertificateBody body)
    {
        Line(text, "证书模板", $"{body.Profile}（SM3 {DecisionText.Hex(body.ProfileHash)}）");
        if (body.Encryption is { } encryption)
        {
            Line(text, "加密证书模板", $"{encryption.Name}（SM3 {DecisionText.Hex(encryption.Hash)}）");
        }

        Line(text, "签发者", $"密钥标识 {DecisionText.Hex(body.Issuer)}");
        Line(text, "主体编号", body.Entity);
        foreach (SubjectAttributeText attribute in body.Subject)
        {
            Line(text, $"主体 {AttributeName(attribute.Type)}", attribute.Text);
        }

        foreach (GeneralName name in body.Names)
        {
            Line(text, "备用名称", NameOf(name));
        }

        foreach (IdentityText identity in body.Identities)
        {
            Line(text, $"身份标识 {LabelText.Shown(identity.Name)}", identity.Text);
        }

        Line(text, "公钥", $"{KeyKind(body.SubjectPublicKeyInfo)}，指纹 {TokenContainer.FingerprintOf(body.SubjectPublicKeyInfo)}");
        Line(text, "有效期", $"自签发之日起 {body.Days} 天");
        Line(text, "证明材料", $"SM3 {DecisionText.Hex(body.Evidence)}");
        if (body.Officer is { } officer)
        {
            Line(text, "人员权限", $"{officer.Role}（{DecisionText.Kind(officer.Kind)}），区域 {DecisionText.Region(officer.Region)}，人员编号 {DecisionText.Hex(officer.Person)}");
        }

        if (body.Replaces is { } replaced)
        {
            Line(text, "接替的证书", $"签发者密钥标识 {DecisionText.Hex(replaced.Issuer)}，序列号 {replaced.SerialNumber}");
        }
    }

    public static string NameOf(GeneralName name) => name switch
    {
        DnsName dns => $"DNS:{dns.Host}",
        Rfc822Name mail => $"email:{mail.Mailbox}",
        UniformResourceIdentifier uri => $"URI:{uri.Uri}",
        IpAddress { Octets.Length: Ipv4Length or Ipv6Length } address => $"IP:{new IPAddress(address.Octets.Span)}",
        DirectoryName directory => $"DN:{directory.Name}",

        // What this program has no words for is shown as it is.
        _ => $"DER {Convert.ToHexStringLower(Der.Encode(name))}",
    };

    private static string AttributeName(string type) => type switch
    {
        Oids.CommonName => "名称（CN）",
        Oids.OrganizationName => "单位（O）",
        Oids.OrganizationalUnitName => "部门（OU）",
        Oids.SerialNumber => "编号（serialNumber）",
        _ => type,
    };

    private static string KeyKind(SubjectPublicKeyInfo key) => TokenKey.KindOf(key) switch
    {
        TokenKeyKind.Sm2 => "SM2",
        TokenKeyKind.P256 => "P-256",
        TokenKeyKind.Rsa2048 => "RSA",
        _ => $"算法 {key.Algorithm.Algorithm}",
    };

    private static void Line(StringBuilder text, string what, string value) => DecisionText.Line(text, what, value);
}
