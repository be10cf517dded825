using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>Recovery to another recipient: that two officers decided it, which the CA cannot claim by itself.</summary>
internal static class OfficerApprovals
{
    private const int Needed = 2;

    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(30);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
    private static readonly HashSet<string> Understood = [Asn1.Oids.KeyUsage, Asn1.Oids.BasicConstraints, Asn1.Oids.OfficerIdentity];

    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: the application or an approval is missing or does not hold.</exception>
    public static void Verify(
        PolicyInForce policy, EnvelopeAuthorization.ByCa authorization, CaAuthorization asked, SubjectPublicKeyInfo recipient, DateTimeOffset now)
    {
        // Step 1: what was applied for is this recovery and no other.
        ReadOnlyMemory<byte> encoded = authorization.Application
            ?? throw Refusal.Because("The recipient is not the bound one: an application and two approvals are needed.");
        Application application = Refusal.Read<Application>(encoded, "The application");
        Refusal.Unless(application.Kind == DecisionKind.Recovery, "The application is not for a recovery.");
        Refusal.Unless(string.Equals(application.CaName, asked.CaName, StringComparison.Ordinal), "The application is for another CA.");
        RecoveryBody body = Refusal.Read<RecoveryBody>(application.Body, "The application's body");
        Refusal.Unless(body.SerialNumber == asked.SerialNumber, "The application is for another serial number.");
        Refusal.Unless(body.Recipient == recipient, "The application is for another recipient.");

        // Step 2: two approvals, each of which holds by itself.
        Refusal.Unless(authorization.Approvals.Count == Needed, $"Two approvals are needed, not {authorization.Approvals.Count}.");
        byte[] digest = application.Digest;
        var approvals = new (Approval Approval, OfficerIdentity Officer)[Needed];
        for (int i = 0; i < Needed; i++)
        {
            Approval approval = Refusal.Read<Approval>(authorization.Approvals[i], "An approval");
            Refusal.Unless(approval.Tbs.Digests.Any(each => each.Span.SequenceEqual(digest)), "An approval does not list the application.");
            DateTimeOffset time = approval.Tbs.Time.Value;
            Refusal.Unless(time >= now - MaxAge, "An approval is older than 30 days.");
            Refusal.Unless(time <= now + ClockSkew, "An approval is from the future.");
            approvals[i] = (approval, VerifyOfficer(policy, approval.Certificate, now));
            Refusal.Unless(approval.IsSignedByCertificate(), "An approval is not signed by the key of its certificate.");
        }

        // Step 3: four eyes. Two certificates of one person, or two of one key, are one.
        Refusal.Unless(
            approvals.Select(static each => each.Approval.Tbs.Step).Distinct().Count() == Needed, "One approval must be the entry and one the review.");
        Refusal.Unless(
            !approvals[0].Officer.Person.Span.SequenceEqual(approvals[1].Officer.Person.Span), "Both approvals are by the same person.");
        Refusal.Unless(
            approvals[0].Approval.Certificate.Tbs.SubjectPublicKeyInfo != approvals[1].Approval.Certificate.Tbs.SubjectPublicKeyInfo,
            "Both approvals are by the same key.");
    }

    /// <summary>RFC 5280 §6.1.3, for a path of one certificate under a key that the policy names. Revocation is for the CA and the KMC to look at.</summary>
    private static OfficerIdentity VerifyOfficer(PolicyInForce policy, Certificate certificate, DateTimeOffset now)
    {
        TbsCertificate tbs = certificate.Tbs;
        Refusal.Unless(tbs is { Version: 3, Extensions: not null }, "An officer's certificate is not of version 3.");
        Refusal.Unless(
            certificate.AlgorithmsAgree && certificate.SignatureAlgorithm.Algorithm == Asn1.Oids.Sm3WithSm2,
            "An officer's certificate is not signed with SM2, or says so in two ways.");
        Refusal.ReadSm2(tbs.SubjectPublicKeyInfo, "An officer's key");
        Sm2Signature signature = Refusal.Read<Sm2Signature>(certificate.Signature, "The signature of an officer's certificate");
        Refusal.Unless(
            policy.OfficerIssuers.Any(issuer => issuer.Verify(certificate.TbsBytes.Span, signature.Raw.Span)),
            "An officer's certificate is by no issuer of the policy.");
        Refusal.Unless(tbs.Validity.NotBefore.Value <= now, "An officer's certificate is not valid yet.");
        Refusal.Unless(now <= tbs.Validity.NotAfter.Value, "An officer's certificate has expired.");

        Extensions extensions = tbs.Extensions!;
        Refusal.Unless(!extensions.CriticalExcept(Understood).Any(), "An officer's certificate has a critical extension that the device does not know.");
        BasicConstraints? constraints = Refusal.Read(extensions.Find<BasicConstraints>, "BasicConstraints of an officer's certificate");
        Refusal.Unless(constraints is not { IsCa: true }, "An officer's certificate is that of a CA.");
        KeyUsage? usage = Refusal.Read(extensions.Find<KeyUsage>, "KeyUsage of an officer's certificate");
        Refusal.Unless(usage?.Usages.HasFlag(KeyUsages.DigitalSignature) == true, "An officer's certificate is not for signatures.");
        Refusal.Unless(!usage!.Usages.HasFlag(KeyUsages.KeyCertSign), "An officer's certificate is that of a CA.");
        OfficerIdentity officer = Refusal.Read(extensions.Find<OfficerIdentity>, "OfficerIdentity of an officer's certificate")
            ?? throw Refusal.Because("A certificate does not say which officer it is of.");
        Refusal.Unless(officer.Kind == OfficerKind.Operator, "An approval is not by an operator.");
        return officer;
    }
}
