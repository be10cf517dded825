using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// A certificate of the plan: the bytes are in the journal before they are signed, so that an interruption changes neither serial number nor time. Nothing else is taken from
/// the journal, which anybody can write: everything is made of the plan again and compared.
/// </summary>
internal static class CertificateStep
{
    public static async Task CertifyAsync(CeremonyState state, CertificatePlan plan, CancellationToken cancellationToken)
    {
        Profile profile = state.File.Profiles[plan.Profile];
        if (plan.Key is not null)
        {
            state.KeyOfCertificate[plan.Id] = plan.Key;
        }

        Issuer issuer = plan.Issuer == plan.Id ? RootOf(state, plan, profile) : state.IssuerOf(plan.Issuer);
        if (state.Journal.Find(JournalEntry.Certificate, plan.Id) is { } made)
        {
            Certificate earlier = Der.Decode<Certificate>(made.Decode());
            _ = PrepareAgain(state, plan, issuer, earlier.TbsBytes);
            if (!earlier.AlgorithmsAgree || !SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, earlier.SignatureAlgorithm, earlier.TbsBytes, earlier.Signature))
            {
                throw NotPlanned(plan);
            }

            Keep(state, plan, earlier);
            return;
        }

        // Step 1: the bytes that will be signed, now or after an interruption.
        PreparedCertificate prepared;
        if (state.Journal.Find(JournalEntry.CertificateIntent, plan.Id) is { } intent)
        {
            prepared = PrepareAgain(state, plan, issuer, intent.Decode());
        }
        else
        {
            prepared = issuer.Prepare(RequestOf(state, plan, SerialNumbers.Create(), state.Time.GetUtcNow(), known: null));
            state.Journal.Append(JournalEntry.CertificateIntent, plan.Id, prepared.TbsBytes.Span);
        }

        state.Reach("certificate-intent");

        // Step 2: sign; the issuer sees that the signature holds before anything depends on it.
        Certificate certificate = await issuer.IssueAsync(prepared, cancellationToken);
        state.Reach("certificate-signed");
        state.Journal.Append(JournalEntry.Certificate, plan.Id, Der.Encode(certificate));
        state.Reach("certificate-journaled");
        Keep(state, plan, certificate);
        TbsCertificate tbs = certificate.Tbs;
        state.Say($"Certificate {plan.Id}: {tbs.Subject}\n    by {plan.Issuer}, profile {profile}, serial {tbs.SerialNumber}, {tbs.Validity.NotBefore} to {tbs.Validity.NotAfter}");
    }

    /// <summary>What the plan says, with the serial number and the time of the journal: those very bytes, or the journal is not the one that was written.</summary>
    private static PreparedCertificate PrepareAgain(CeremonyState state, CertificatePlan plan, Issuer issuer, ReadOnlyMemory<byte> tbsBytes)
    {
        TbsCertificate tbs = Der.Decode<TbsCertificate>(tbsBytes);
        state.RequireDuring(tbs.Validity.NotBefore.Value, $"certificate {plan.Id}");
        PreparedCertificate prepared = issuer.Prepare(RequestOf(state, plan, tbs.SerialNumber, tbs.Validity.NotBefore.Value, tbs));
        return prepared.TbsBytes.Span.SequenceEqual(tbsBytes.Span) ? prepared : throw NotPlanned(plan);
    }

    private static CeremonyException NotPlanned(CertificatePlan plan) => new(
        $"The journal has another certificate {plan.Id} than this program makes of the plan: it is another version of the program, or somebody changed the journal. Go on with the program with which the ceremony began; if it is that one, find out who it was and begin anew.");

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

    /// <param name="known">What the journal has of it; null: nothing.</param>
    private static IssuanceRequest RequestOf(CeremonyState state, CertificatePlan plan, SerialNumber serialNumber, DateTimeOffset from, TbsCertificate? known)
    {
        Profile profile = state.File.Profiles[plan.Profile];
        ReadOnlyMemory<byte>? person = PersonOf(state, plan, known);
        return new IssuanceRequest
        {
            Profile = profile,
            SerialNumber = serialNumber,
            SubjectPublicKeyInfo = KeyFor(state, plan, profile),
            Subject = SubjectTexts.Of(plan, person),
            Place = SubjectTexts.PlaceOf(plan),
            NotBefore = from,
            NotAfter = from.AddDays(plan.Days),
            IntendedAt = from,
            AlternativeNames = [.. plan.Names.Select(name => SubjectTexts.FindName(name)!)],
            Officer = plan.Officer is { } officer
                ? new OfficerIdentity(person!.Value, RoleCatalogue.Standard.Find(officer.Role)!.Kind, officer.Role, officer.Region)
                : null,
            Authority = plan.Of is null ? null : state.Certificates[plan.Of],
        };
    }

    /// <summary>The registry's id. Once all services have begun, nobody is enrolled again: then that of the officer's certificate, whose signature is looked at.</summary>
    private static ReadOnlyMemory<byte>? PersonOf(CeremonyState state, CertificatePlan plan, TbsCertificate? known)
    {
        if ((plan.Officer?.Person ?? plan.Person) is not { } name)
        {
            return null;
        }

        if (state.Persons.TryGetValue(name, out byte[]? enrolled))
        {
            return enrolled;
        }

        string officer = state.Plan.Certificates.First(certificate => certificate.Officer?.Person == name).Id;
        bool isMade = state.Journal.Find(JournalEntry.Certificate, plan.Id) is not null;
        TbsCertificate? certificate = !isMade ? null : officer == plan.Id ? known : state.Certificates.GetValueOrDefault(officer)?.Tbs;
        return certificate?.Extensions?.Find<OfficerIdentity>()?.Person ?? throw NotPlanned(plan);
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
