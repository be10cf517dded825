using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm;

public sealed class GmSamples : IDerSamples
{
    private static readonly Sm2EnvelopedKey Key = Sm2EnvelopedKey.DecodeLenient(Fixtures.Read("gmt0009/enveloped-key.b64"));
    private static readonly Certificate Certificate = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(Sm2Signature.FromRaw(Convert.FromHexString(new string('9', 64) + new string('1', 64)))),
        DerSample.Of<Sm2Signature>("3006 020101 020100"),
        DerSample.Of(Key.SymEncryptedKey),
        DerSample.Of(Key),
        DerSample.Of(new Sm2EnvelopedKey(Key.SymEncryptedKey, Key.PublicKey, new byte[64])),
        DerSample.Of(new CsrResponse([Certificate])),
        DerSample.Of(new CsrResponse([Certificate, Certificate], Key, [Certificate])),
        DerSample.Of<IdentifyCode>(new ResidenterCardNumber("11010519491231002X")),
        DerSample.Of<IdentifyCode>(new MilitaryOfficerCardNumber("军字第1号")),
        DerSample.Of<IdentifyCode>(new PassportNumber("E12345678")),
        DerSample.Of<IdentifyCode>("8012 313130313035313934393132333130303258"),
        DerSample.Of(new InsuranceNumber("3501001")),
        DerSample.Of(new IcRegistrationNumber("350100100000001")),
        DerSample.Of(new OrganizationCode("91350100M000100Y43")),
        DerSample.Of(new TaxationNumber("350100M000100Y4")),
    ];
}
