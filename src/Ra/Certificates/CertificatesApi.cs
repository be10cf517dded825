using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Certificates;

/// <summary>What this RA had issued, to read; what is done to a certificate is an enrollment.</summary>
internal static class CertificatesApi
{
    public static void MapCertificates(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/certificates").RequireClient(ClientKind.Officer);
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapGet("{issuer}/{serial}", ShowAsync).RequireSignedReading();
    }

    private static async Task<Ok<IReadOnlyList<IssuedCertificateAnswer>>> ListAsync(MessageContext message, Database database, string subscriber, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        IReadOnlyList<IssuedCertificate> rows = await database.ReadAsync(transaction => IssuedCertificateStore.ListAsync(transaction, Page.Id(subscriber)), cancellationToken);
        return TypedResults.Ok<IReadOnlyList<IssuedCertificateAnswer>>([.. rows.Where(each => officer.Region.Covers(RegionCode.Parse(each.Region))).Select(Show)]);
    }

    private static async Task<Ok<IssuedCertificateAnswer>> ShowAsync(MessageContext message, Database database, string issuer, string serial, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        IssuedCertificate? row = !IssuedCertificateStore.IsReference(issuer, serial) ? null : await database.ReadAsync(transaction => IssuedCertificateStore.FindAsync(transaction, issuer, serial), cancellationToken);
        return row is not null && officer.Region.Covers(RegionCode.Parse(row.Region))
            ? TypedResults.Ok(Show(row))
            : throw new RefusalException(Refusal.NotFound, "没有该证书。");
    }

    private static IssuedCertificateAnswer Show(IssuedCertificate row) => new()
    {
        Issuer = row.Issuer,
        Serial = row.Serial,
        Half = EnrollmentNames.NameOf(row.Half),
        Pair = row.PairId is null ? null : Convert.ToHexStringLower(row.PairId),
        Enrollment = Convert.ToHexStringLower(row.EnrollmentId),
        Subscriber = Convert.ToHexStringLower(row.SubscriberId),
        Profile = row.Profile,
        State = EnrollmentNames.NameOf(row.State),
        NotBefore = row.NotBefore,
        NotAfter = row.NotAfter,
        ProvenAt = row.ProvenAt,
        Certificate = row.Certificate,
    };
}
