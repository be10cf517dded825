using System.Diagnostics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>What relying parties see of what was issued: certificates, CRLs and OCSP answers, each verified, and written for other tools.</summary>
internal sealed class DemoStatus(DemoInstallation system, DemoParty officer, SubscriberTokens tokens, OutputFolder output)
{
    /// <summary>Links of the hierarchies: certificate and issuer, as the ceremony names them.</summary>
    private static readonly (string Certificate, string Issuer)[] Links =
    [
        ("root-s1", "root-s1"), ("issuing-s1", "root-s1"), ("ops-s1", "root-s1"), ("root-r1-by-s1", "root-s1"), ("ocsp-s1", "issuing-s1"), ("officer-ca-super", "ops-s1"),
        ("root-r1", "root-r1"), ("issuing-r1", "root-r1"), ("root-s1-by-r1", "root-r1"), ("system", "system"), ("link-ca", "system"),
    ];

    private static readonly ParallelOptions Parallelism = new() { MaxDegreeOfParallelism = 8 };
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<(string File, Certificate Certificate, string Issuer, string Status)> _issued = [];

    /// <summary>The CAs and their links.</summary>
    public void ShowHierarchy()
    {
        DemoScreen.Open("Verified by ZWCA · 自验证", "Every signature is verified again from the roots down, as a stranger would.");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        DemoScreen.Report(
            $"{Links.Length} links of both hierarchies, the cross-certificates and the link certificates",
            Links.All(link => DemoVerification.IsIssuedBy(system.Ceremony.Certificate(link.Certificate), system.Ceremony.Certificate(link.Issuer), now)));
        foreach ((string certificate, string issuer) in Links)
        {
            output.WriteCertificate(
                $"ca/{certificate}.pem", certificate == issuer ? "a root" : "a certificate of the hierarchy", system.Ceremony.Certificate(certificate), $"ca/{issuer}.pem", null);
        }
    }

    /// <summary>All certificates of an enrollment, with the keys of its token.</summary>
    /// <param name="prefix">Of its files.</param>
    /// <param name="container">Null: the keys are elsewhere.</param>
    public async Task AddAsync(string prefix, EnrollmentAnswer enrollment, string? container, IReadOnlyCollection<CertificateName> ended)
    {
        foreach (CertificateName name in enrollment.Certificates)
        {
            IssuedCertificateAnswer issued = await officer.GetAsync<IssuedCertificateAnswer>($"/certificates/{name.Issuer}/{name.Serial}");
            Certificate certificate = Der.Decode<Certificate>(issued.Certificate);
            string issuer = certificate.Tbs.Issuer == system.Ceremony.Certificate("issuing-s1").Tbs.Subject ? "issuing-s1" : "issuing-r1";
            string status = ended.Contains(name) ? "revoked" : "good";
            string file = issued.Half == "encryption" ? $"{prefix}-enc" : $"{prefix}-sign";
            output.WriteCertificate($"{file}.pem", $"{issued.Profile}, {issued.Half}", certificate, $"ca/{issuer}.pem", status);
            lock (_issued)
            {
                _issued.Add((file, certificate, issuer, status));
            }
        }

        if (container is null)
        {
            return;
        }

        (string signing, string? encryption) = tokens.Reveal(container);
        WriteOf($"{prefix}-sign.key.pem", signing, "the signing key (PKCS #8), out of a demo token", $"{prefix}-sign.pem");
        WriteOf($"{prefix}.csr", Pem.Encode(Pem.CertificateRequest, tokens.Request(container, Token.TokenKeyKind.Sm2)), "a certification request of the same key", $"{prefix}-sign.pem");
        if (encryption is not null)
        {
            WriteOf($"{prefix}-enc.key.pem", encryption, "the encryption key (PKCS #8), made by the KMC, out of a demo token", $"{prefix}-enc.pem");
            DescribeOf($"{prefix}.envelope.der", "SM2EnvelopedKey (GM/T 0009): the encryption key to the signing key", $"{prefix}-enc.pem");
            DescribeOf($"{prefix}.skf.blob", "ENVELOPEDKEYBLOB (GM/T 0016): the same for a token", $"{prefix}-enc.pem");
        }
    }

    public void ShowCertificates()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        DemoScreen.Report(
            $"{_issued.Count} certificates of subscribers are signed by their CAs", _issued.All(each => DemoVerification.IsIssuedBy(each.Certificate, system.Ceremony.Certificate(each.Issuer), now)));
        Certificate tampered = DemoVerification.Tampered(_issued[0].Certificate);
        output.Write("tampered.pem", Pem.Encode(Pem.Certificate, Der.Encode(tampered)));
        DemoScreen.Report("one of them with one bit changed is refused", !DemoVerification.IsIssuedBy(tampered, system.Ceremony.Certificate(_issued[0].Issuer), now));
    }

    /// <summary>Asks about every certificate, as its relying parties will.</summary>
    public async Task ShowOcspAsync()
    {
        DemoScreen.Open("Is it good? · OCSP", $"Agencies ask {system.Responder.Url}; the answers were signed ahead of time by the CA's device, and reach the responder within a second.");
        var wrong = new List<string>();
        TimeSpan took = await DemoScreen.ProgressAsync("asked", _issued.Count, step => Parallel.ForEachAsync(_issued, Parallelism, async (each, _) =>
        {
            OcspSaid said = await system.Responder.AskAsync(each.Certificate.Tbs.SerialNumber, system.Ceremony.Certificate(each.Issuer), each.Status);
            string name = each.File[(each.File.LastIndexOf('/') + 1)..];
            name = name.EndsWith("-sign", StringComparison.Ordinal) ? name[..^"-sign".Length] : name;
            output.Write($"ocsp/{name}.request.der", said.Request);
            output.Write($"ocsp/{name}.response.der", said.Response);
            output.Describe(new IndexEntry($"ocsp/{name}.response.der", "what the OCSP responder said") { Of = $"{each.File}.pem", Status = each.Status });
            output.Describe(new IndexEntry($"ocsp/{name}.request.der", "what it was asked") { Of = $"{each.File}.pem" });
            if (!said.IsRight)
            {
                lock (wrong)
                {
                    wrong.Add($"{each.File}: {said.Status} in the place of {each.Status}");
                }
            }

            step();
        }));
        wrong.ForEach(each => DemoScreen.Report(each, false));
        DemoScreen.Report($"{DemoScreen.Rate(_issued.Count, took)}: {_issued.Count(each => each.Status == "good")} good, {_issued.Count(each => each.Status == "revoked")} revoked or held", wrong.Count == 0);
        Certificate sm2 = system.Ceremony.Certificate("issuing-s1");
        SerialNumber good = _issued.First(each => each is { Status: "good", Issuer: "issuing-s1" }).Certificate.Tbs.SerialNumber;
        Say("asked with a nonce, one is signed just now", await system.Responder.AskAsync(good, sm2, "good", isFresh: true));
        Say("asked by SM3", await system.Responder.AskAsync(good, sm2, "good", CertIdHash.Sm3));
        Say("a serial number that nobody has issued", await system.Responder.AskAsync(SerialNumbers.Create(), sm2, "unknown"));

        static void Say(string what, OcspSaid said) => DemoScreen.Report($"{what}: {said.Status}", said.IsRight);
    }

    /// <summary>Fetched as a relying party does: over plain http, from the places that the certificates name.</summary>
    public async Task ShowCrlsAsync(Func<Task> orderNew)
    {
        DemoScreen.Open("The CRLs that everybody gets · 吊销列表", "Each certificate names its CRL; two officers may order a new one at once.");
        using var client = new HttpClient { BaseAddress = system.Publication };
        (string File, Certificate Certificate, string Issuer, string Status)[] ended = [.. _issued.Where(each => each.Status == "revoked")];
        var clock = Stopwatch.StartNew();
        bool isOrdered = false;
        while (true)
        {
            var missing = new List<string>();
            foreach ((string file, Certificate certificate, string issuer, _) in ended)
            {
                if (await FetchAsync(client, certificate, issuer) is not { } crl || !Lists(crl, certificate.Tbs.SerialNumber))
                {
                    missing.Add(file);
                }
            }

            if (missing.Count == 0 || clock.Elapsed > Patience)
            {
                DemoScreen.Report(
                    $"{ended.Length} certificates that were revoked or held are on the CRLs that they name{(isOrdered ? ", which two officers had made at once" : "")}", missing.Count == 0);
                break;
            }

            if (!isOrdered)
            {
                DemoScreen.Report($"{missing.Count} are not on their CRLs yet: two officers order new ones", true);
                await orderNew();
                isOrdered = true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(300));
        }

        // All that certificates name, for other tools.
        int written = 0;
        foreach ((Certificate certificate, string issuer) in _issued.Select(each => (each.Certificate, each.Issuer)).DistinctBy(each => PlaceOf(each.Certificate)))
        {
            CrlFile? crl = await FetchAsync(client, certificate, issuer);
            bool isGood = crl is not null && crl.IsOf(system.Ceremony.Certificate(issuer)) && crl.IsSignedBy(system.Ceremony.Certificate(issuer));
            written += isGood ? 1 : 0;
            if (!isGood)
            {
                DemoScreen.Report($"{PlaceOf(certificate)}: no CRL of {issuer}", false);
            }
        }

        DemoScreen.Report($"{written} CRLs are signed by their CAs, and are in crl/", written > 0);
    }

    /// <summary>What openssl says of some links and certificates.</summary>
    public void ShowOpenSsl(int most)
    {
        if (DemoVerification.OpenSslVersion() is not { } version)
        {
            DemoScreen.Report("no openssl 3 on PATH: its opinion is missing here", true);
            return;
        }

        DemoScreen.Open($"Verified by {version}", "Another program, by other people, comes to the same.");
        int wrong = 0;
        foreach ((string certificate, string issuer) in Links)
        {
            wrong += Verify($"ca/{certificate}.pem", issuer, accepted: true) ? 0 : 1;
        }

        DemoScreen.Report($"{Links.Length} links of the hierarchies", wrong == 0);
        (string File, Certificate Certificate, string Issuer, string Status)[] some = [.. _issued.Take(most)];
        wrong = some.Count(each => !Verify($"{each.File}.pem", each.Issuer, accepted: true));
        DemoScreen.Report($"{some.Length} of {_issued.Count} certificates of subscribers", wrong == 0);
        DemoScreen.Report("the one with one bit changed is refused", Verify("tampered.pem", _issued[0].Issuer, accepted: false));

        bool Verify(string file, string issuer, bool accepted)
        {
            bool isSm2 = system.Ceremony.Certificate(issuer).Tbs.SubjectPublicKeyInfo.Algorithm == AlgorithmIdentifier.Sm2Key;
            (bool actual, string said) = DemoVerification.OpenSslVerify(output.PathOf(file), output.PathOf($"ca/{issuer}.pem"), isSm2);
            if (actual != accepted)
            {
                DemoScreen.Plain(said);
            }

            return actual == accepted;
        }
    }

    /// <summary>That everything is in the CA's log, the RA has had proven by now.</summary>
    public async Task ShowProvenAsync(IReadOnlyList<EnrollmentAnswer> enrollments)
    {
        var clock = Stopwatch.StartNew();
        CertificateName[] open = [.. enrollments.SelectMany(each => each.Certificates)];
        int all = open.Length;
        while (open.Length > 0 && clock.Elapsed < Patience)
        {
            var left = new List<CertificateName>();
            await Parallel.ForEachAsync(open, Parallelism, async (name, _) =>
            {
                if ((await officer.GetAsync<IssuedCertificateAnswer>($"/certificates/{name.Issuer}/{name.Serial}")).ProvenAt is null)
                {
                    lock (left)
                    {
                        left.Add(name);
                    }
                }
            });
            open = [.. left];
            if (open.Length > 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }

        DemoScreen.Report($"the RA has had proven that the issue of {all - open.Length} of {all} certificates is in the CA's log", open.Length == 0);
    }

    private static string PlaceOf(Certificate certificate) =>
        new Uri(((UniformResourceIdentifier)((FullName)certificate.Tbs.Extensions!.Find<CrlDistributionPoints>()!.Points[0].Name!).Names[0]).Uri).AbsolutePath;

    private static bool Lists(CrlFile crl, SerialNumber serial)
    {
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            if (entry.SerialNumber.SequenceEqual(serial.Content))
            {
                return true;
            }
        }

        return false;
    }

    private async Task<CrlFile?> FetchAsync(HttpClient client, Certificate certificate, string issuer)
    {
        string path = PlaceOf(certificate);
        using HttpResponseMessage answer = await client.GetAsync(path);
        if (!answer.IsSuccessStatusCode)
        {
            return null;
        }

        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        string file = $"crl/{issuer}-{Path.GetFileName(path)}";
        output.Write(file, bytes);
        output.Describe(new IndexEntry(file, "a CRL") { Issuer = $"ca/{issuer}.pem" });
        return CrlFile.Read(bytes);
    }

    private void WriteOf(string name, string text, string what, string of)
    {
        output.Write(name, text);
        DescribeOf(name, what, of);
    }

    private void DescribeOf(string name, string what, string of)
    {
        if (File.Exists(output.PathOf(name)))
        {
            output.Describe(new IndexEntry(name, what) { Of = of });
        }
    }
}
