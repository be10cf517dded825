using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Whether officers of the CA have ordered what an event says was done to a certificate's status. An event alone proves nothing: whoever may write to the database adds one, and the log takes
/// it in. Safe for concurrent use.
/// </summary>
internal sealed class StatusCommandCheck(ApprovalCheck approvals, CaOptions options)
{
    /// <param name="leaf">Of a revocation, suspension or resumption that no RA has asked for.</param>
    /// <returns>What does not hold; null: all does.</returns>
    public string? Judge(CertificateRecords records, Authority authority, AuditLeaf leaf)
    {
        if (CertificateRecords.OctetsOf(leaf, "command") is not { } id)
        {
            return "an event of its status names nobody who decided";
        }

        string name = Convert.ToHexStringLower(id.Span);
        if (!records.StatusCommands.TryGetValue(name, out CommandRow? command))
        {
            return "the command that an event of its status names is not there";
        }

        try
        {
            Application application = Der.Decode<Application>(command.Application);
            CommandBody body = Der.Decode<CommandBody>(application.Body);
            return application.Kind != DecisionKind.Command || application.CaName != options.Name || application.EnrollmentId != name
                    || !new[] { records.Row, records.Partner }.Any(row => row is not null && IsAbout(row, authority, leaf.Action, application, body))
                ? "the command that an event of its status names is about something else"
                : approvals.Judge(application, command);
        }
        catch (DerException e)
        {
            return $"the command that an event of its status names cannot be read: {e.Message}";
        }
    }

    private static bool IsAbout(CertificateRow row, Authority authority, string action, Application application, CommandBody body)
    {
        bool isRevocation = action == CertificateStatus.RevokeAction;
        bool isInRegion = RegionCode.Parse(application.Region).Covers(RegionCode.Parse(row.Region));
        switch (body.Action)
        {
            case CertificateActions.Revoke:
                return isRevocation && isInRegion && Names(Der.Decode<StatusBody>(body.Parameters).Certificate, row, authority);
            case CertificateActions.RevokeByKey or CertificateActions.RevokeByOwner or CertificateActions.Bulk:
                BulkStatusBody bulk = Der.Decode<BulkStatusBody>(body.Parameters);
                string ordered = bulk.Kind switch
                {
                    DecisionKind.Revoke => CertificateStatus.RevokeAction,
                    DecisionKind.Suspend => CertificateStatus.SuspendAction,
                    _ => CertificateStatus.ResumeAction,
                };
                return action == ordered && isInRegion && Selects(bulk.Selection, row, authority);
            case OfficerActions.Disable:
                return isRevocation && Der.Decode<OfficerChange>(body.Parameters).Officer.ToString() == row.Serial;
            case OfficerActions.ReplaceCertificate:
                return isRevocation && Der.Decode<CertificateReplacement>(body.Parameters).Officer.ToString() == row.Serial;
            default:
                return false;
        }
    }

    private static bool Selects(CertificateSelection selection, CertificateRow row, Authority authority) => selection switch
    {
        CertificateSelection.Certificates list => list.List.Any(each => Names(each, row, authority)),
        CertificateSelection.Key key => key.Hash.Span.SequenceEqual(row.KeyHash),
        CertificateSelection.Subject subject => subject.Hash.Span.SequenceEqual(row.SubjectHash),
        CertificateSelection.Owner owner => owner.Name == row.Owner,
        CertificateSelection.Issued issued => (issued.RaName is null || issued.RaName == row.RaName) && RegionCode.Parse(issued.Region).Covers(RegionCode.Parse(row.Region)),
        _ => false,
    };

    private static bool Names(CertificateReference certificate, CertificateRow row, Authority authority) =>
        certificate.SerialNumber.ToString() == row.Serial && certificate.Issuer.Span.SequenceEqual(authority.Issuer.KeyIdentifier.Span);
}
