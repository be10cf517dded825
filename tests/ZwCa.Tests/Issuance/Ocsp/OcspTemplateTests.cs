using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Issuance.Ocsp;

/// <summary>The bytes are those of the plain types, whatever the certificate, its status and its signature.</summary>
public sealed class OcspTemplateTests
{
    public static MatrixTheoryData<HsmKeyKind, CertIdHash, bool> Questions => new([HsmKeyKind.Sm2, HsmKeyKind.Rsa2048], Enum.GetValues<CertIdHash>(), [false, true]);

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task TheBytes_AreThoseOfThePlainTypes(HsmKeyKind kind, CertIdHash hash, bool isDelegated)
    {
        await using TestCa ca = await TestCa.CreateAsync(kind);
        (Certificate certificate, HsmSigner signer) = await ca.IssueAsync(kind, TestCa.ResponderExtensions);
        OcspResponder responder = isDelegated ? OcspResponder.Delegated(ca.Certificate, certificate, signer) : OcspResponder.Of(ca.Issuer);
        var template = new OcspTemplate(ca.Certificate, isDelegated ? certificate : null, hash);
        var random = new TestRandom();
        for (int i = 0; i < 200; i++)
        {
            byte[] serial = random.Bytes(1 + random.Next(20));
            serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
            RevocationReason[] reasons = [RevocationReason.Unspecified, RevocationReason.KeyCompromise, RevocationReason.CertificateHold];
            RevocationReason reason = reasons[random.Next(reasons.Length)];
            Time? revokedAt = random.Next(2) == 0 ? null : new Time(TestCa.Now.AddSeconds(-random.Next(100_000_000)));
            Time thisUpdate = new(TestCa.Now);
            Time nextUpdate = new(TestCa.Now.AddSeconds(1 + random.Next(86_400)));
            OcspResponse expected = await responder.RespondAsync(
                new OcspAnswer
                {
                    ProducedAt = thisUpdate,
                    Statements =
                    [
                        new OcspStatement
                        {
                            CertId = CertIds.Of(ca.Certificate, SerialNumber.Parse(Convert.ToHexStringLower(serial)), hash),
                            Status = revokedAt is { } at ? OcspStatement.RevokedAt(at, reason) : new Good(),
                            ThisUpdate = thisUpdate,
                            NextUpdate = nextUpdate,
                        },
                    ],
                },
                TestContext.Current.CancellationToken);
            BasicOcspResponse basic = expected.DecodeBasic();
            byte[] raw = kind == HsmKeyKind.Sm2 ? Der.Decode<Sm2Signature>(basic.Signature).Raw.ToArray() : basic.Signature.ToArray();
            Assert.Equal((Convert.ToHexString(basic.TbsBytes.Span), Convert.ToHexString(Der.Encode(expected))), Build(serial, revokedAt, reason, thisUpdate, nextUpdate, raw));
        }

        (string Tbs, string Response) Build(byte[] serial, Time? revokedAt, RevocationReason reason, Time thisUpdate, Time nextUpdate, byte[] signature)
        {
            var facts = new OcspFacts(serial, revokedAt?.Value.ToUnixTimeSeconds(), reason, thisUpdate.Value.ToUnixTimeSeconds(), nextUpdate.Value.ToUnixTimeSeconds());
            byte[] buffer = new byte[template.MaxLength(signature.Length)];
            string tbs = Convert.ToHexString(template.WriteTbs(buffer, facts));
            return (tbs, Convert.ToHexString(template.Write(buffer, facts, signature)));
        }
    }

    /// <summary>Whose r or s begins with zeros or with a high bit has a DER of another length.</summary>
    [Fact]
    public async Task AnySm2Signature_HasItsDer()
    {
        await using TestCa ca = await TestCa.CreateAsync();
        var template = new OcspTemplate(ca.Certificate, null, CertIdHash.Sm3);
        byte[] raw = [.. Enumerable.Repeat((byte)1, 64)];
        for (int zeros = 0; zeros < 32; zeros++)
        {
            foreach (byte first in (byte[])[0x7F, 0x80, 0xFF, 0x01])
            {
                byte[] signature = [.. raw];
                signature.AsSpan(32, zeros).Clear();
                signature[32 + zeros] = first;
                byte[] buffer = new byte[template.MaxLength(64)];
                byte[] response = template.Write(buffer, new OcspFacts([0x41], null, RevocationReason.Unspecified, 1_700_000_000, 1_700_000_100), signature).ToArray();
                Assert.Equal(Der.Encode(Sm2Signature.FromRaw(signature)), Der.Decode<OcspResponse>(response).DecodeBasic().Signature.ToArray());
            }
        }
    }
}
