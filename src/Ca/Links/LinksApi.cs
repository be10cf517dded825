using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Links;

/// <summary>Links as a resource: each renews itself, over itself.</summary>
internal static class LinksApi
{
    public static void MapLinks(this IEndpointRouteBuilder app) =>
        app.MapGroup("/links").RequireClient(Enum.GetValues<ClientKind>()).MapPost("renew", RenewAsync).Accepts<byte[]>(LinkRenewal.RequestType);

    /// <summary>DER of a PKCS #10 request in, DER of a certificate out. No signed message: the certificate of the connection is what is renewed.</summary>
    private static async Task<FileContentHttpResult> RenewAsync(HttpContext http, RenewLink renewal, CancellationToken cancellationToken)
    {
        X509Certificate2 old = http.Connection.ClientCertificate ?? throw new InvalidOperationException("The link has no client certificate.");
        byte[] csr = await ReadAsync(http.Request.Body, cancellationToken);
        return TypedResults.Bytes(await renewal.RunAsync(old, http.GetClient(), csr, cancellationToken), LinkRenewal.AnswerType);
    }

    internal static async Task<byte[]> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[ProofOfPossession.MaxRequestLength + 1];
        int length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return length < bytes.Length ? bytes[..length] : throw new RefusalException(Refusal.TooLarge, $"证书请求（CSR）过长，最多{ProofOfPossession.MaxRequestLength}字节。");
    }

    internal static CertificationRequest Decode(byte[] csr)
    {
        try
        {
            return Der.Decode<CertificationRequest>(csr);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "证书请求（CSR）的编码有误。", inner: e);
        }
    }
}
