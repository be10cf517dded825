using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>
/// A civil servant's pair: a signing certificate for a key that he made, an encryption certificate for one that the key management centre's device made. His key lies in memory and
/// stands for a USB key.
/// </summary>
internal sealed record DemoIssuance(Certificate Signing, Certificate Encryption)
{
    /// <exception cref="HsmException">The device refused, or is away.</exception>
    public static async Task<DemoIssuance> IssueAsync(DemoCeremony ceremony)
    {
        Issuer issuer = await ceremony.IssuerAsync("issuing-s1");
        using var personKey = Sm2PrivateKey.Generate();
        IReadOnlyList<WrappedKeyPair> escrowed = await ceremony.Device("kmc").GenerateWrappedKeyPairsAsync(await ceremony.KeyAsync("kmc", "escrow-kek"), 1);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();

        IssuanceRequest Request(string profile, SubjectPublicKeyInfo key) => new()
        {
            Profile = ProfileCatalogue.Shipped[profile],
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = key,
            Subject =
            [
                new SubjectText(Oids.OrganizationName, "演示市档案局 DEMO"), new SubjectText(Oids.CommonName, "张三"), new SubjectText(Oids.SerialNumber, "DEMO-0000000000000001"),
            ],
            Place = [new SubjectText(Oids.StateOrProvinceName, "某省"), new SubjectText(Oids.LocalityName, "演示市")],
            NotBefore = now,
            NotAfter = now.AddDays(365),
            IntendedAt = now,
        };

        PreparedCertificate signing = issuer.Prepare(Request("person-signing", SubjectPublicKeyInfo.ForSm2(personKey.PublicKey.ToBytes())));
        PreparedCertificate encryption = issuer.Prepare(Request("person-encryption", escrowed[0].PublicKey));
        issuer.RequirePair(signing, encryption);
        IReadOnlyList<Certificate> pair = await issuer.IssueManyAsync([signing, encryption]);
        return new DemoIssuance(pair[0], pair[1]);
    }
}
