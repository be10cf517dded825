using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Ocsp;

/// <summary>Every optional field and every alternative occurs in one of them.</summary>
public sealed class OcspSamples : IDerSamples
{
    public static readonly CertId CertId = new(AlgorithmIdentifier.Sm3, new byte[32], new byte[32], SerialNumber.Parse("80ff"));

    private static readonly CertId Sha1Id = new(new AlgorithmIdentifier(Oids.Sha1, new byte[] { 5, 0 }), new byte[20], new byte[20], SerialNumber.Parse("01"));
    private static readonly Extensions Extensions = new(Extension.Create(new Nonce(new byte[32]), critical: false));
    private static readonly Certificate Certificate = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));
    private static readonly Signature Signature = new(AlgorithmIdentifier.Sm3WithSm2, new byte[] { 0x30, 0x00 }, [Certificate]);

    private static readonly TbsRequest TbsRequest = new(
        [new Request(CertId, Extensions), new Request(Sha1Id)], Extensions, new DirectoryName(PkixSamples.CaName));

    private static readonly SingleResponse Single = new(CertId, new Good(), PkixSamples.ThisUpdate, PkixSamples.NextUpdate, new Extensions(
        Extension.Create(new ArchiveCutoff(PkixSamples.ThisUpdate), critical: false)));

    private static readonly ResponseData Data = new(
        new ResponderByKey(new byte[20]), PkixSamples.ThisUpdate, [Single, new SingleResponse(Sha1Id, new Unknown(), PkixSamples.ThisUpdate)], Extensions);

    private static readonly BasicOcspResponse Basic =
        BasicOcspResponse.Assemble(Der.Encode(Data), AlgorithmIdentifier.Sm3WithSm2, new byte[] { 0x30, 0x00 }, [Certificate]);

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(CertId),
        DerSample.Of(Sha1Id),
        DerSample.Of(new Nonce(new byte[1])),
        DerSample.Of(new Nonce(new byte[128])),
        DerSample.Of(new ArchiveCutoff(PkixSamples.Year2051)),
        DerSample.Of(new OcspNoCheck()),
        DerSample.Of(new ExtendedRevoke()),
        DerSample.Of(TbsRequest.RequestList[0]),
        DerSample.Of(TbsRequest),
        DerSample.Of(new TbsRequest([new Request(Sha1Id)])),
        DerSample.Of(Signature),
        DerSample.Of(new Signature(AlgorithmIdentifier.Sm3WithSm2, new byte[] { 0x30, 0x00 })),
        DerSample.Of(new OcspRequest(TbsRequest)),
        DerSample.Of(OcspRequest.Assemble(Der.Encode(TbsRequest), Signature)),
        DerSample.Of<ResponderId>(new ResponderByName(PkixSamples.CaName)),
        DerSample.Of(Data.ResponderId),
        DerSample.Of<CertStatus>(new Good()),
        DerSample.Of<CertStatus>(new Revoked(new RevokedInfo(PkixSamples.ThisUpdate, RevocationReason.CertificateHold))),
        DerSample.Of<CertStatus>(new Unknown()),
        DerSample.Of(new RevokedInfo(PkixSamples.ThisUpdate)),
        DerSample.Of(new RevokedInfo(PkixSamples.ThisUpdate, RevocationReason.Unspecified)),
        DerSample.Of(Single),
        DerSample.Of(new SingleResponse(CertId, new Revoked(new RevokedInfo(PkixSamples.ThisUpdate)), PkixSamples.ThisUpdate)),
        DerSample.Of(Data),
        DerSample.Of(Basic),
        DerSample.Of(Der.Decode<OcspResponse>(Fixtures.Read("rfc6960/openssl-response-by-name.der")).DecodeBasic()),
        DerSample.Of(OcspResponse.Successful(Basic)),
        DerSample.Of(OcspResponse.Error(ResponseStatus.Unauthorized)),
        DerSample.Of(new ResponseBytes(Oids.OcspBasic, new byte[] { 1 })),
    ];
}
