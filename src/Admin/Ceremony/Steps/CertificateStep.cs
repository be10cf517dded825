using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Ceremony;

/// <summary>A certificate of the plan: the bytes are in the journal before they are signed, so that an interruption changes neither serial number nor time.</summary>
internal static class CertificateStep
{
    public static async Task CertifyAsync(CeremonyState state, CertificatePlan plan, CancellationToken cancellationToken)
    {
        Profile profile = state.File.Profiles[plan.Profile];
        if (plan.Key is not null)
        {
            state.KeyOfCertificate[plan.Id] = plan.Key;
        }

        if (state.Journal.Find(JournalEntry.Certificate, plan.Id) is { } made)
        {
            Keep(state, plan, Der.Decode<Certificate>(made.Decode()));
            return;
        }

        // Step 1: the bytes that will be signed, now or after an interruption.
        Issuer issuer = plan.Issuer == plan.Id ? RootOf(state, plan, profile) : state.IssuerOf(plan.Issuer);
        PreparedCertificate prepared;
        if (state.Journal.Find(JournalEntry.CertificateIntent, plan.Id) is { } intent)
        {
            prepared = issuer.PrepareAgain(intent.Decode(), profile);
        }
        else
        {
            prepared = issuer.Prepare(RequestOf(state, plan, profile));
            state.Journal.Append(JournalEntry.CertificateIntent, plan.Id, prepared.TbsBytes.Span);
        }

        FaultPoints.Reach("certificate-intent");

        // Step 2: sign; the issuer sees that the signature holds before anything depends on it.
        Certificate certificate = await issuer.IssueAsync(prepared, cancellationToken);
        FaultPoints.Reach("certificate-signed");
        state.Journal.Append(JournalEntry.Certificate, plan.Id, Der.Encode(certificate));
        FaultPoints.Reach("certificate-journaled");
        Keep(state, plan, certificate);
        TbsCertificate tbs = certificate.Tbs;
        state.Say($"Certificate {plan.Id}: {tbs.Subject}\n    by {plan.Issuer}, profile {profile}, serial {tbs.SerialNumber}, {tbs.Validity.NotBefore} to {tbs.Validity.NotAfter}");
    }

    private static void Keep(CeremonyState state, CertificatePlan plan, Certificate certificate)
    {
        if (plan.LinkKey is not null)
        {
            LinkKeys.RequireIntact(state, plan);
        }

        state.Certificates[plan.Id] = certificate;
        state.Folder.Write(plan.File, CertificateFile.Write(certificate));
    }

    private static Issuer RootOf(CeremonyState state, CertificatePlan plan, Profile profile)
    {
        HeldKey held = state.Held(plan.Key!);
        return Issuer.OfRoot(Issuer.SubjectOf(profile, SubjectTexts.Of(plan, null), SubjectTexts.PlaceOf(plan)), new HsmSigner(held.Device, held.Key), state.Publication);
    }

    private static IssuanceRequest RequestOf(CeremonyState state, CertificatePlan plan, Profile profile)
    {
        DateTimeOffset now = state.Time.GetUtcNow();
        return new IssuanceRequest
        {
            Profile = profile,
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = KeyFor(state, plan, profile),
            Subject = SubjectTexts.Of(plan, (plan.Officer?.Person ?? plan.Person) is { } person ? state.Persons[person] : default(ReadOnlyMemory<byte>?)),
            Place = SubjectTexts.PlaceOf(plan),
            NotBefore = now,
            NotAfter = now.AddDays(plan.Days),
            IntendedAt = now,
            AlternativeNames = [.. plan.Names.Select(name => SubjectTexts.FindName(name)!)],
            Officer = plan.Officer is { } officer
                ? new OfficerIdentity(state.Persons[officer.Person], RoleCatalogue.Standard.Find(officer.Role)!.Kind, officer.Role, officer.Region)
                : null,
            Authority = plan.Of is null ? null : state.Certificates[plan.Of],
        };
    }

    private static SubjectPublicKeyInfo KeyFor(CeremonyState state, CertificatePlan plan, Profile profile) =>
        plan.Key is not null ? state.PublicKeyOf(plan.Key)
        : plan.Of is not null ? state.Certificates[plan.Of].Tbs.SubjectPublicKeyInfo
        : plan.Request is { } request ? BroughtKey(state, request, profile)
        : LinkKeys.Make(state, plan);

    /// <summary>Nothing but the public key of a request is looked at: its names are whatever its owner wrote.</summary>
    private static SubjectPublicKeyInfo BroughtKey(CeremonyState state, RequestPlan request, Profile profile)
    {
        byte[] csr = state.Folder.Read(CeremonyFolder.InputPath(request.File));
        SubjectPublicKeyInfo key = ProofOfPossession.Verify(CsrFile.Read(csr), profile.Options.EmptyIdAllowed).PublicKey;
        return CeremonyState.Fingerprint(key) == request.Fingerprint
            ? key
            : throw new CeremonyException(
                $"{request.File} is for the key {CeremonyState.Fingerprint(key)}, and the plan was reviewed with {request.Fingerprint}: it is somebody else's, or was exchanged. Find out which, and do not go on.");
    }
}
