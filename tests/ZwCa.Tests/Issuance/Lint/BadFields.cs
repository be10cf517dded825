using System.Numerics;
using System.Text;
using ZwCa.Asn1;
using static ZwCa.Tests.Issuance.CertificateBends;
using static ZwCa.Tests.Issuance.DerEdit;

namespace ZwCa.Tests.Issuance;

/// <summary>Certificates with one fault in encoding, fields, names or key.</summary>
internal static class BadFields
{
    public static IReadOnlyList<BadCertificate> All { get; } =
    [
        // Encoding
        new("certificate-structure", "openssl-sm2", LintKnowledge.Nothing, der => der[..^1]),
        new("certificate-structure", "openssl-sm2", LintKnowledge.Nothing, der => [.. der, 0]),
        new("certificate-structure", "openssl-sm2", LintKnowledge.Nothing, Put([0, 4], "3000")),
        new("der-length-minimal", "openssl-sm2", LintKnowledge.Nothing, At([.. Subject, 1, 0, 1], text => [text[0], 0x81, .. text[1..]])),
        new("der-tag-minimal", "openssl-sm2", LintKnowledge.Nothing, AddExtension("1f0100")),
        new("der-integer-minimal", "openssl-sm2", LintKnowledge.Nothing, At(Serial, serial => Element(0x02, [0, .. Content(serial)]))),
        new("der-boolean", "openssl-sm2", LintKnowledge.Nothing, At(Inside(Oids.KeyUsage, 1), _ => [0x01, 0x01, 0x01])),
        new("der-unused-bits", "openssl-sm2", LintKnowledge.Nothing, AddExtension("03020401")),
        new("der-string-primitive", "openssl-sm2", LintKnowledge.Nothing, AddExtension("2c030c0141")),
        new("der-set-order", "openssl-sm2", LintKnowledge.Nothing, AddExtension("3106020102020101")),
        new("der-object-identifier", "openssl-sm2", LintKnowledge.Nothing, AddExtension("06032a8001")),
        new("der-null", "openssl-sm2", LintKnowledge.Nothing, AddExtension("050100")),
        new("der-default-omitted", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.BasicConstraints, "3003010100")),
        new("der-default-omitted", "openssl-sm2", LintKnowledge.Nothing, At(Inside(Oids.CertificatePolicies, 0), id => [.. id, 0x01, 0x01, 0x00])),
        new("der-default-omitted", "openssl-sm2", LintKnowledge.Nothing, Put(DerEdit.Version, "020100"), "version-3"),

        // Version and serial number
        new("version-3", "openssl-sm2", LintKnowledge.Nothing, Put(DerEdit.Version, "020101")),
        new("version-3", "openssl-sm2", LintKnowledge.Nothing, Put([0, 0], "")),
        new("serial-positive", "openssl-sm2", LintKnowledge.Nothing, Put(Serial, "0210ff112233445566778899aabbccddeeff")),
        new("serial-positive", "openssl-sm2", LintKnowledge.Nothing, Put(Serial, "020100"), "serial-entropy"),
        new("serial-length", "openssl-sm2", LintKnowledge.Nothing, Put(Serial, "02150102030405060708090a0b0c0d0e0f101112131415")),
        new("serial-entropy", "openssl-sm2", LintKnowledge.Nothing, Put(Serial, "02074a112233445566")),
        new("own-serial", "ca", LintKnowledge.Ours, At(Serial, serial => Element(0x02, [0x4a, .. Content(serial)[2..]]))),
        new("unique-identifiers-absent", "openssl-sm2", LintKnowledge.Nothing, At(Key, key => [.. key, 0x81, 0x02, 0x00, 0xff])),
        new("unique-identifiers-absent", "openssl-sm2", LintKnowledge.Nothing, At(Key, key => [.. key, 0x82, 0x02, 0x00, 0xff])),

        // Signature algorithm
        new("algorithms-agree", "openssl-sm2", LintKnowledge.Nothing, At(OuterAlgorithm, algorithm => Element(0x30, [.. Content(algorithm), 0x05, 0x00]))),
        new("algorithm-form", "openssl-rsa", LintKnowledge.Nothing, Algorithms(algorithm => Element(0x30, [.. Content(algorithm), 0x05, 0x00]))),
        new("sm2-signature-parameters", "openssl-sm2", LintKnowledge.Nothing, Algorithms(algorithm => Element(0x30, [.. Content(algorithm), 0x05, 0x00]))),
        new("sm2-signature-parameters", "sign", LintKnowledge.Ours, Algorithms(algorithm => Element(0x30, [.. Content(algorithm), 0x05, 0x00]))),
        new("rsa-signature-parameters", "openssl-rsa", LintKnowledge.Nothing, Algorithms(algorithm => Element(0x30, Content(algorithm)[..^2]))),
        new("rsa-pss-parameters", "openssl-rsa", LintKnowledge.Nothing, Algorithms(_ => Convert.FromHexString("300b06092a864886f70d01010a"))),
        new("ecdsa-signature-parameters", "openssl-p256", LintKnowledge.Nothing, Algorithms(algorithm => Element(0x30, [.. Content(algorithm), 0x05, 0x00]))),
        new("signature-not-weak", "openssl-rsa", LintKnowledge.Nothing, Algorithms(_ => Convert.FromHexString("300d06092a864886f70d0101050500"))),
        new("signature-algorithm-known", "openssl-sm2", LintKnowledge.Nothing, Algorithms(_ => Convert.FromHexString("300a06082a811ccf55018378"))),
        new("sm2-signature-form", "openssl-sm2", LintKnowledge.Nothing, Put(DerEdit.Signature, "0309003006020180020101")),
        new("sm2-signature-form", "openssl-sm2", LintKnowledge.Nothing, Put(DerEdit.Signature, "0303000500")),
        new("ecdsa-signature-form", "openssl-p256", LintKnowledge.Nothing, Put(DerEdit.Signature, "0309003006020101020100")),
        new("rsa-signature-length", "openssl-rsa", LintKnowledge.Nothing, At(DerEdit.Signature, signature => Element(0x03, Content(signature)[..129]))),
        new("signature-octets", "openssl-rsa", LintKnowledge.Nothing, At(DerEdit.Signature, signature => Element(0x03, [1, .. Content(signature)[1..^1], 0x7e]))),
        new("signature-fits-issuer", "sign", LintKnowledge.Ours, Algorithms(_ => Convert.FromHexString("300a06082a8648ce3d040302"))),
        new("signature-fits-issuer", "openssl-p256", LintKnowledge.Issuer, Algorithms(_ => Convert.FromHexString("300a06082a811ccf55018375"))),

        // Validity
        new("time-form", "openssl-sm2", LintKnowledge.Nothing, Put(NotBefore, "170b323630313031303030305a")),
        new("time-form", "openssl-sm2", LintKnowledge.Nothing, Put(NotAfter, "181132303630303130313030303030302e305a")),
        new("time-form", "openssl-sm2", LintKnowledge.Nothing, Put(NotBefore, "0c0d3236303130313030303030305a")),
        new("time-real", "openssl-sm2", LintKnowledge.Nothing, Put(NotBefore, "170d3236303233303030303030305a")),
        new("time-alternative", "openssl-sm2", LintKnowledge.Nothing, Put(NotBefore, "180f32303236303130313030303030305a")),
        new("validity-order", "openssl-sm2", LintKnowledge.Nothing, Put(NotBefore, "170d3439313233313233353935395a")),
        new("profile-validity", "sign", LintKnowledge.Ours, Put(NotAfter, "170d3335313233313233353935395a")),
        new("validity-within-issuer", "openssl-sm2", LintKnowledge.Issuer, Put(NotBefore, "170d3939313233313233353935395a")),

        // Texts of names
        new("name-string-type", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 2, 0, 1], "140141")),
        new("name-string-type", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 2, 0, 1], "1e020041")),
        new("name-country", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 0, 0, 1], "1302636e")),
        new("name-printable-type", "openssl-sm2", LintKnowledge.Nothing, AddAttribute("550405", "0c0141")),
        new("name-ia5-type", "openssl-sm2", LintKnowledge.Nothing, AddAttribute("2a864886f70d010901", "0c0361406d")),
        new("name-length", "openssl-sm2", LintKnowledge.Nothing, At([.. Subject, 1, 0, 1], _ => Element(0x0c, Encoding.UTF8.GetBytes(new string('某', 65))))),
        new("name-length", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c00")),
        new("name-utf8", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c02c328")),
        new("name-printable-characters", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "1303612a62")),
        new("name-ia5-characters", "openssl-sm2", LintKnowledge.Nothing, AddAttribute("0992268993f22c640119", "1601e9")),
        new("name-hidden-characters", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c04e280ae41")),
        new("name-hidden-characters", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c03410042")),
        new("name-hidden-characters", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c0541e385a442")),
        new("name-normalized", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c0365cc81")),
        new("name-spaces", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "0c022041")),

        // Names
        new("name-form", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1, 0, 1], "")),
        new("name-form", "openssl-sm2", LintKnowledge.Nothing, Put([.. Subject, 1], "3100")),
        new("issuer-present", "openssl-sm2", LintKnowledge.Nothing, Put(DerEdit.Issuer, "3000")),
        new("subject-present", "openssl-sm2", LintKnowledge.Nothing, Put(Subject, "3000")),
        new("name-single-attribute", "openssl-sm2", LintKnowledge.Nothing, At([.. Subject, 0], rdn => Element(0x31, [.. Content(rdn), .. Convert.FromHexString("300a060355040a0c03414141")]))),
        new("name-attribute-twice", "openssl-sm2", LintKnowledge.Nothing, At([.. Subject, 0], rdn => [.. rdn, .. rdn])),
        new("issuer-name-matches", "openssl-sm2", LintKnowledge.Issuer, Put([.. DerEdit.Issuer, 1, 0, 1], "0c0141")),
        new("subject-not-issuer", "openssl-sm2", LintKnowledge.Nothing, der => Change(der, Subject, _ => Get(der, DerEdit.Issuer))),
        new("profile-subject", "sign", LintKnowledge.Ours, Put([.. Subject, 1], "")),
        new("profile-subject", "sign", LintKnowledge.Ours, At([.. Subject, 3], rdn => [.. rdn, .. rdn, .. rdn])),
        new("profile-subject", "sign", LintKnowledge.Ours, At([.. Subject, 6], rdn => [.. rdn, .. Element(0x31, Convert.FromHexString("3008060355040c0c0141"))])),
        new("profile-subject-text", "sign", LintKnowledge.Ours, Put([.. Subject, 2, 0, 1], "0c0141")),
        new("profile-subject-text", "sign", LintKnowledge.Ours, At([.. Subject, 6, 0, 1], _ => Element(0x13, "0123 56"u8))),
        new("profile-subject-text", "sign", LintKnowledge.Ours, At([.. Subject, 6, 0, 1], _ => Element(0x13, "0123456789ABCDEF0"u8))),

        // Public keys
        new("key-form", "openssl-sm2", LintKnowledge.Nothing, At(Key, key => Element(0x30, [.. Content(key), 0x05, 0x00]))),
        new("key-octets", "openssl-rsa", LintKnowledge.Nothing, At([.. Key, 1], bits => Element(0x03, [1, .. Content(bits)[1..^1], 0x00])), "rsa-key-form", "ski-of-key"),
        new("key-algorithm-known", "openssl-p256", LintKnowledge.Nothing, Put([.. Key, 0, 1], "06052b8104000a")),
        new("key-algorithm-known", "openssl-p256", LintKnowledge.Nothing, Put([.. Key, 0], "300906072a8648ce380401")),
        new("sm2-key-algorithm", "openssl-sm2", LintKnowledge.Nothing, Put([.. Key, 0], "300a06082a811ccf5501822d")),
        new("key-named-curve", "openssl-p256", LintKnowledge.Nothing, Put([.. Key, 0, 1], "0500")),
        new("rsa-key-parameters", "openssl-rsa", LintKnowledge.Nothing, Put([.. Key, 0, 1], "")),
        new("sm2-point-form", "openssl-sm2", LintKnowledge.Nothing, At([.. Key, 1], bits => Element(0x03, [0, 0x02, .. Content(bits)[2..34]])), "ski-of-key"),
        new("sm2-point-on-curve", "openssl-sm2", LintKnowledge.Nothing, At([.. Key, 1], bits => [.. bits[..^1], (byte)(bits[^1] ^ 1)]), "ski-of-key"),
        new("ec-point-form", "openssl-p256", LintKnowledge.Nothing, At([.. Key, 1], bits => Element(0x03, Content(bits)[..^1])), "ski-of-key"),
        new("key-not-published", "openssl-sm2", LintKnowledge.Nothing, Put([.. Key, 1], "0342000432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"), "ski-of-key"),
        new("rsa-key-form", "openssl-rsa", LintKnowledge.Nothing, Put([.. Key, 1], "0306003003020101"), "ski-of-key"),
        new("rsa-modulus-size", "openssl-rsa", LintKnowledge.Nothing, At([.. Key, 1, 0, 0], modulus => Element(0x02, [0x00, .. Content(modulus)[1..128], 0x09])), "ski-of-key"),
        new("rsa-small-factor", "openssl-rsa", LintKnowledge.Nothing, At([.. Key, 1, 0, 0], modulus => [.. modulus[..^1], (byte)(modulus[^1] ^ 1)]), "ski-of-key"),
        new("rsa-not-roca", "openssl-rsa", LintKnowledge.Nothing, At([.. Key, 1, 0, 0], _ => Element(0x02, BigInteger.Pow(65537, 128).ToByteArray(isBigEndian: true))), "ski-of-key"),
        new("rsa-exponent-odd", "openssl-rsa", LintKnowledge.Nothing, Put([.. Key, 1, 0, 1], "0203010002"), "ski-of-key"),
        new("rsa-exponent-size", "openssl-rsa", LintKnowledge.Nothing, Put([.. Key, 1, 0, 1], "020103"), "ski-of-key"),
        new("profile-key", "sign", LintKnowledge.Ours, der => Change(der, Key, _ => Get(LintSamples.All["openssl-p256"].Bytes, Key)), "ski-of-key"),
    ];
}
