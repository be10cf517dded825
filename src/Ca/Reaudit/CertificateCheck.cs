using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Import;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Compares everything that is recorded about a certificate: docs/REAUDIT.md, in the same steps. It takes nothing for granted that a row says: each is held against bytes that were signed,
/// by the CA, by officers, or by the log's key. Safe for concurrent use.
/// </summary>
internal sealed class CertificateCheck(ApprovalCheck approvals, StatusCheck status, CaOptions options)
{
    /// <param name="asToday">Also whether it would be made so today: by today's rules, byte for byte. A later version of the program may have others.</param>
    /// <returns>What does not agree; empty: all does.</returns>
    public IReadOnlyList<Discrepancy> Judge(CertificateRecords records, bool asToday = true)
    {
        var found = new List<Discrepancy>();
        CertificateRow row = records.Row;
        ListedEvent[] intends = [.. records.Events.Where(each => each.Leaf.Action == IssueCertificate.IntendAction)];
        ListedEvent[] issues = [.. records.Events.Where(each => each.Leaf.Action == FinishIssuance.IssueAction)];
        ListedEvent[] imports = [.. records.Events.Where(each => each.Leaf.Action == ImportCeremony.ImportAction)];

        // Step 1: a number without an intention has signed nothing.
        if (row.Tbs is null)
        {
            Discrepancy.Require(found, intends.Length + issues.Length == 0, "state", "the row says that nothing was intended, the log says otherwise");
            return found;
        }

        if (records.Authority is not { } authority || records.Profile is not { } profile)
        {
            found.Add(new Discrepancy("profile", "its CA is not configured, or its profile version is missing or was changed"));
            return found;
        }

        TbsCertificate tbs;
        try
        {
            tbs = Der.Decode<TbsCertificate>(row.Tbs);
        }
        catch (DerException e)
        {
            found.Add(new Discrepancy("bytes", $"the TBSCertificate cannot be read: {e.Message}"));
            return found;
        }

        // Step 2: the row's columns say what the bytes say.
        JudgeColumns(found, records, profile, tbs, isImported: imports.Length > 0);

        // Step 3: the CA's signature over them, and the rules of the profile's version.
        if (row.FindCertificate() is { } certificate)
        {
            Discrepancy.Require(
                found,
                certificate.SignatureAlgorithm == authority.Issuer.Algorithm && SignatureCheck.Holds(authority.Issuer.SubjectPublicKeyInfo, authority.Issuer.Algorithm, row.Tbs, certificate.Signature),
                "signature",
                "the CA's signature does not hold");
            string broken = !asToday ? "" : string.Join(
                "; ",
                Linter.Check(Der.Encode(certificate), new LintContext { Profile = profile, Issuer = authority.Issuer }).Where(each => each.Severity == Severity.Error).Select(each => each.Rule));
            Discrepancy.Require(found, broken.Length == 0, "rules", $"it breaks {broken}");
        }

        if (imports.Length > 0)
        {
            // Of a ceremony: nobody here decided about it, and its import is all that the log has.
            JudgeImport(found, records, imports, intends.Length + issues.Length);
        }
        else
        {
            // Step 4: they are what was decided about; and who decided might.
            JudgeDecision(found, records, authority, profile, tbs, asToday);

            // Step 5: the log has the intention and the issue, with these bytes, in this order; the certificate is not dated back.
            JudgeEvents(found, records, profile, tbs, intends, issues);
        }

        // Step 6: state and CRL entry are what the log's last word says.
        status.Judge(found, records, isImported: imports.Length > 0);
        return found;
    }

    /// <summary>
    /// Whether an intention may be signed that lay in the database: its bytes follow from what two persons signed (or, of a link's renewal, from what stands beside it, which its link has to
    /// ask for once more), not long ago. Whoever can write rows has no say in what is signed.
    /// </summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>.</exception>
    public void RequireDecided(CertificateRecords records, DateTimeOffset now)
    {
        var found = new List<Discrepancy>();
        if (records.Authority is not { } authority || records.Profile is not { } profile || profile.IsAuthority)
        {
            throw new RefusalException(Refusal.NotApproved, "签发意向的CA或证书模板不存在。");
        }

        TbsCertificate tbs = Der.Decode<TbsCertificate>(records.Row.Tbs);
        JudgeColumns(found, records, profile, tbs, isImported: false);
        JudgeDecision(found, records, authority, profile, tbs);
        if (records.Decisions is [{ } decision])
        {
            DateTimeOffset notBefore = tbs.Validity.NotBefore.Value;
            Discrepancy.Require(
                found,
                decision.DecidedAt >= now - ApprovalVerifier.MaxAge && decision.DecidedAt <= now + ApprovalVerifier.ClockSkew
                    && notBefore >= decision.DecidedAt.AddSeconds(-profile.Options.Validity.BackdateSeconds) && notBefore <= decision.DecidedAt + ApprovalVerifier.ClockSkew,
                "time",
                "it was decided too long ago, or is dated otherwise");
        }

        if (found.Count > 0)
        {
            throw new RefusalException(Refusal.NotApproved, string.Join("; ", found.Select(each => $"{each.Kind}: {each.Detail}")));
        }
    }

    private static void JudgeColumns(List<Discrepancy> found, CertificateRecords records, Profile profile, TbsCertificate tbs, bool isImported)
    {
        CertificateRow row = records.Row;
        string serial = tbs.SerialNumber.ToString();
        Discrepancy.Require(found, serial == row.Serial, "bytes", "the serial number is another than the row's");
        Discrepancy.Require(found, serial.Length == 2 * SerialNumbers.Octets && serial[0] is >= '4' and <= '7', "serial", "the serial number is not of the form that this CA makes");
        Discrepancy.Require(found, tbs.Subject.HashCanonical().AsSpan().SequenceEqual(row.SubjectHash), "bytes", "the subject is another than the row's");
        Discrepancy.Require(found, Sm3.HashData(Der.Encode(tbs.SubjectPublicKeyInfo)).AsSpan().SequenceEqual(row.KeyHash), "bytes", "the key is another than the row's");
        Discrepancy.Require(found, tbs.Validity.NotBefore.Value == row.NotBefore && tbs.Validity.NotAfter.Value == row.NotAfter, "bytes", "the validity is another than the row's");
        Discrepancy.Require(found, UrlTemplate.ShardName(tbs.SerialNumber, profile.Options.CrlShards) == row.Shard, "bytes", "the CRL is another than the row's");

        // A ceremony's certificates may share a subject or a key: the first owner stays.
        bool isOwned = isImported ? records.SubjectOwner is not null && records.KeyOwner is not null : records.SubjectOwner == row.Owner && records.KeyOwner == row.Owner;
        Discrepancy.Require(found, isOwned, "owner", "its subject or its key is another owner's");
    }

    private static void JudgeImport(List<Discrepancy> found, CertificateRecords records, ListedEvent[] imports, int issued)
    {
        CertificateRow row = records.Row;
        Discrepancy.Require(found, issued == 0 && records.Decisions.Count == 0 && row.RaName is null && row.Replaces is null, "decision", "it was imported, and decided about or issued here too");
        Discrepancy.Require(
            found,
            imports.Length == 1 && row.FindCertificate() is { } certificate && Has(imports[0], "certificate", Sm3.HashData(Der.Encode(certificate))),
            "import",
            $"the log has {imports.Length} imports of it, or that of another certificate");
    }

    private void JudgeDecision(List<Discrepancy> found, CertificateRecords records, Authority authority, Profile profile, TbsCertificate tbs, bool asToday = true)
    {
        CertificateRow row = records.Row;
        if (records.Decisions is not [{ } decision])
        {
            found.Add(new Discrepancy("decision", $"{records.Decisions.Count} decisions have led to it"));
            return;
        }

        Discrepancy.Require(found, Sm3.HashData(decision.Application).AsSpan().SequenceEqual(decision.ApplicationDigest), "decision", "the application is another than its digest says");
        CertificateBody body;
        try
        {
            body = decision.Kind switch
            {
                IssuanceOrder.Renewal => Der.Decode<CertificateBody>(decision.Application),
                (short)DecisionKind.Command => JudgeCommand(found, records, decision),
                _ => JudgeApplication(found, records, decision),
            };
        }
        catch (DerException e)
        {
            found.Add(new Discrepancy("decision", $"what was decided about cannot be read: {e.Message}"));
            return;
        }

        // The key of an encryption certificate nobody decided about: the KMC has made it. All else follows from the decision about the pair.
        bool isEncryption = decision.Kind > IssuanceOrder.EncryptionHalf;
        bool isHalf = profile.Half != PairHalf.None && tbs.SubjectPublicKeyInfo.TryGetSm2Key(out _);
        Discrepancy.Require(found, isEncryption == (profile.Half == PairHalf.Encryption) && (body.Encryption is not null) == isHalf, "decision", "it is another half of a pair than was decided");
        JudgePair(found, records, isHalf);
        if (isEncryption && body.Encryption is not null)
        {
            bool keepsKey = decision.Kind - IssuanceOrder.EncryptionHalf == (short)DecisionKind.Renew || (body.Replaces is not null && profile.Options.KeepsKey);
            Discrepancy.Require(found, row.KeyHash.AsSpan().SequenceEqual(records.ReplacedKey) == keepsKey, "decision", "its key is kept, or not, against the decision");
            body = IssuanceOrder.EncryptionBodyOf(body, tbs.SubjectPublicKeyInfo);
        }

        Discrepancy.Require(found, row.Owner == $"{row.RaName ?? IssuanceOrder.SystemOwner}/{body.Entity}", "decision", "it is another owner's than was decided");
        Discrepancy.Require(found, body.Profile == profile.Name && body.ProfileHash.Span.SequenceEqual(profile.Hash.Span), "decision", "it is of another profile than was decided");
        Discrepancy.Require(found, body.Issuer.Span.SequenceEqual(authority.Issuer.KeyIdentifier.Span), "decision", "it is of another CA than was decided");
        Discrepancy.Require(found, (row.Replaces is null) == (body.Replaces is null) && records.Replaced == body.Replaces, "decision", "it replaces another certificate than was decided");
        Discrepancy.Require(
            found,
            decision.Kind is not (IssuanceOrder.Renewal or (short)DecisionKind.Command) || decision.RequestId == decision.Reference,
            "decision",
            "it was asked for by another request than its own");
        Discrepancy.Require(
            found,
            decision.Kind != IssuanceOrder.Renewal || (decision.Requester, profile.Name) is (IssuanceOrder.Link, SystemProfile.Link or SystemProfile.OfficerLink)
                or (IssuanceOrder.Responder, SystemProfile.OcspResponder or SystemProfile.OcspNode),
            "decision",
            "nobody has decided about it, and it is none that follows another by itself");
        Discrepancy.Require(found, records.ProfileWasActive, "profile", "nobody who may has put the version of its profile into use");
        if (records.Place is not { } place)
        {
            found.Add(new Discrepancy("decision", "its region is not registered, or not as officers signed it"));
            return;
        }

        if (!asToday)
        {
            return;
        }

        // Made again from what was decided, with the number and the beginning that it has: every byte follows from that.
        try
        {
            PreparedCertificate again = authority.Issuer.Prepare(IssueCertificate.RequestOf(body, row.Serial, profile, place, tbs.Validity.NotBefore.Value));
            Discrepancy.Require(found, again.TbsBytes.Span.SequenceEqual(row.Tbs), "decision", $"what was decided leads to another certificate: {Difference(again.Tbs, tbs)}");
        }
        catch (Exception e) when (e is RefusalException or LintException or ArgumentException)
        {
            found.Add(new Discrepancy("rules", $"it would not be made today: {e.Message}"));
        }
    }

    /// <summary>Both are there, signed or not signed, of one owner, subject, issuer and validity; or the certificate stands alone.</summary>
    private static void JudgePair(List<Discrepancy> found, CertificateRecords records, bool isHalf)
    {
        if (records is not { SigningHalf: { } signing, EncryptionHalf: { } encryption })
        {
            Discrepancy.Require(found, !isHalf, "pair", "it is one half of a pair, and the other is not there");
            return;
        }

        Discrepancy.Require(
            found,
            isHalf && signing.Owner == encryption.Owner && signing.AuthorityId == encryption.AuthorityId && signing.SubjectHash.AsSpan().SequenceEqual(encryption.SubjectHash)
                && signing.NotBefore == encryption.NotBefore && signing.NotAfter == encryption.NotAfter && !signing.KeyHash.AsSpan().SequenceEqual(encryption.KeyHash)
                && (signing.Signature is null) == (encryption.Signature is null),
            "pair",
            "the two of its pair are not of one owner, subject and validity, or one of them was not issued");
    }

    private CertificateBody JudgeApplication(List<Discrepancy> found, CertificateRecords records, DecisionRow decision)
    {
        CertificateRow row = records.Row;
        Application application = Der.Decode<Application>(decision.Application);
        Discrepancy.Require(
            found,
            (short)application.Kind == decision.Kind % IssuanceOrder.EncryptionHalf && application.CaName == options.Name && application.RaName == decision.Requester
                && application.RaName == row.RaName && application.EnrollmentId == decision.Reference && application.Region == row.Region,
            "decision",
            "the application is of another kind, CA, RA, region or number than its row");
        string? wrong = approvals.Judge(application, decision, records.Approvals);
        Discrepancy.Require(found, wrong is null, "approvals", wrong ?? "");
        return Der.Decode<CertificateBody>(application.Body);
    }

    private CertificateBody JudgeCommand(List<Discrepancy> found, CertificateRecords records, DecisionRow decision)
    {
        CertificateRow row = records.Row;
        if (records.Command is not { Review: not null } command)
        {
            // Still compared with the certificate, where it can be read.
            found.Add(new Discrepancy("approvals", "no command of two officers has ordered it"));
            return Der.Decode<CertificateBody>(decision.Application);
        }

        Application application = Der.Decode<Application>(decision.Application);
        Discrepancy.Require(
            found,
            row.RaName is null && command.Application.AsSpan().SequenceEqual(decision.Application) && application.EnrollmentId == decision.Reference
                && (application.Region == row.Region || row.Region == RegionCode.Nation.Value),
            "decision",
            "the command is another, or of another region, than its row");
        string? wrong = approvals.Judge(application, command);
        Discrepancy.Require(found, wrong is null, "approvals", wrong ?? "");
        CommandBody ordered = Der.Decode<CommandBody>(application.Body);
        Discrepancy.Require(found, ordered.Action is ClientActions.Register or OrderActions.Order, "decision", "the command orders no certificate");
        return ordered.Action == ClientActions.Register ? Der.Decode<ClientRegistration>(ordered.Parameters).Order.Body : Der.Decode<CertificateOrder>(ordered.Parameters).Body;
    }

    private static void JudgeEvents(List<Discrepancy> found, CertificateRecords records, Profile profile, TbsCertificate tbs, ListedEvent[] intends, ListedEvent[] issues)
    {
        CertificateRow row = records.Row;
        DecisionRow? decision = records.Decisions.Count == 1 ? records.Decisions[0] : null;
        if (intends is not [{ } intend])
        {
            found.Add(new Discrepancy("intention", $"the log has {intends.Length} intentions of it"));
            return;
        }

        Discrepancy.Require(found, Has(intend, "tbs", Sm3.HashData(row.Tbs)), "intention", "the log has the intention of another TBSCertificate");
        Discrepancy.Require(found, decision is null || Has(intend, "application", decision.ApplicationDigest), "intention", "the log has the intention by another application");
        Discrepancy.Require(found, Has(intend, "profileHash", row.ProfileHash) && Has(intend, "key", row.KeyHash), "intention", "the log has the intention of another profile or key");
        Discrepancy.Require(
            found,
            decision?.EntryHash is null || (Has(intend, "entry", decision.EntryHash) && Has(intend, "review", decision.ReviewHash)),
            "intention",
            "the log has the intention by other approvals");
        Discrepancy.Require(
            found,
            decision is null || !intend.Leaf.Fields.OfType<AuditField.Text>().Any(field => field.Name == IssueCertificate.RequestField && field.Value != decision.RequestId),
            "intention",
            "the log has the intention by another request");
        Discrepancy.Require(
            found,
            records.Events.Where(each => each.Leaf.Action == FinishIssuance.SignAgainAction).Select(each => CertificateRecords.NumberOf(each.Leaf, "attempt") ?? 0).Order().SequenceEqual(records.Attempts),
            "intention",
            "the log has other attempts to sign it");
        Discrepancy.Require(found, tbs.Validity.NotBefore.Value >= intend.Leaf.Time.AddSeconds(-profile.Options.Validity.BackdateSeconds), "time", "notBefore is earlier than the intention allows");
        if (row.FindCertificate() is not { } certificate)
        {
            Discrepancy.Require(found, issues.Length == 0, "issue", "the log has its issue, the row has no signature");
            return;
        }

        if (issues is not [{ } issue])
        {
            found.Add(new Discrepancy("issue", $"the log has {issues.Length} issues of it"));
            return;
        }

        Discrepancy.Require(found, Has(issue, "certificate", Sm3.HashData(Der.Encode(certificate))), "issue", "the log has the issue of another certificate");
        Discrepancy.Require(found, intend.EventId.AsSpan().SequenceCompareTo(issue.EventId) < 0, "time", "the log has its issue before its intention");
        Discrepancy.Require(found, tbs.Validity.NotBefore.Value <= issue.Leaf.Time, "time", "notBefore is later than the issue");
    }

    private static string Difference(TbsCertificate expected, TbsCertificate found) =>
        expected.Subject != found.Subject ? "subject"
        : expected.SubjectPublicKeyInfo != found.SubjectPublicKeyInfo ? "key"
        : expected.Validity != found.Validity ? "validity"
        : expected.Issuer != found.Issuer ? "issuer"
        : "extensions";

    private static bool Has(ListedEvent each, string name, byte[]? value) => CertificateRecords.OctetsOf(each.Leaf, name) is { } octets && octets.Span.SequenceEqual(value);
}
