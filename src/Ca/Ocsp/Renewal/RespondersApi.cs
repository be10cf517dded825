using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Links;
using ZwCa.Ca.Registrations;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Ocsp.Renewal;

/// <summary>Certificates of responder nodes' own keys.</summary>
internal static class RespondersApi
{
    public static void MapResponders(this IEndpointRouteBuilder app) =>
        app.MapGroup("/responders").RequireClient(ClientKind.Ocsp).MapPost("{issuer}/renewal", RenewAsync).Accepts<byte[]>(LinkRenewal.RequestType);

    /// <summary>DER of a PKCS #10 request in, signed with the key that is certified already; DER of a certificate out. No signed message: the request proves the key, and the link the node.</summary>
    private static async Task<FileContentHttpResult> RenewAsync(HttpContext http, string issuer, RenewResponder renewal, CancellationToken cancellationToken)
    {
        CertificationRequest request = LinksApi.Decode(await LinksApi.ReadAsync(http.Request.Body, cancellationToken));
        SubjectPublicKeyInfo key = ProofOfPossession.Verify(request, allowEmptyId: false).PublicKey;
        byte[] identifier = issuer.Length <= 128 && issuer.All(char.IsAsciiHexDigitLower) && issuer.Length % 2 == 0 ? Convert.FromHexString(issuer) : [];
        var actor = new AuditActor(AuditActorKind.Service, http.GetClient().Name);
        return TypedResults.Bytes(await renewal.RunAsync(identifier, key, SystemProfile.OcspNode, actor, cancellationToken), LinkRenewal.AnswerType);
    }
}
