using System.Data.Common;
using Spectre.Console;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Admin.Demo;

/// <summary>
/// <c>zwca demo</c>: starts a device, lets its holders unlock it, performs a ceremony in it, starts KMC and CA from what that made, issues certificates and pairs, recovers a key, has all verified twice, and shows that a change of one
/// bit is noticed.
/// </summary>
internal static class DemoCommand
{
    private static readonly string[] Partitions = ["root", "ca", "kmc", "service"];

    /// <summary>Certificate and issuer of each link that is looked at, SM2 first.</summary>
    private static readonly (string Certificate, string Issuer)[] Links =
    [
        ("root-s1", "root-s1"), ("issuing-s1", "root-s1"), ("ops-s1", "root-s1"), ("root-r1-by-s1", "root-s1"), ("ocsp-s1", "issuing-s1"), ("officer-ca-super", "ops-s1"),
        ("root-r1", "root-r1"), ("issuing-r1", "root-r1"), ("root-s1-by-r1", "root-r1"), ("system", "system"), ("link-ca", "system"),
    ];

    /// <returns>0 when every check came out as it should, else 1.</returns>
    public static async Task<int> RunAsync(DirectoryInfo output)
    {
        try
        {
            return await ShowAsync(output);
        }
        catch (Exception e) when (e is DemoException or CeremonyException or RefusalException or HsmException or DbException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The demo cannot go on: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> ShowAsync(DirectoryInfo output)
    {
        bool good = true;
        AnsiConsole.Write(new Rule("[bold]政务CA 演示 · ZWCA demo[/]").LeftJustified());
        AnsiConsole.MarkupLine("A ceremony makes an SM2 and an RSA hierarchy by a plan; CA, key management centre and a province's RA, each a process, give a civil servant his pair, and his key again when he has lost his token. The CAs' keys are made in hsm-sim, a process of its own, and stay there.");

        // Step 1: a device with its partitions and their holders.
        output.Create();
        await using var device = new DemoDevice(new DirectoryInfo(Path.Combine(output.FullName, "hsm")));
        AnsiConsole.MarkupLine("\n[bold]The device[/]");
        device.Initialize(Partitions);
        device.Start();
        Report($"hsm-sim runs with the partitions {string.Join(", ", Partitions)}; of {DemoDevice.Holders.Count} holders each, any {DemoDevice.Threshold} open it", true);
        good &= Report("locked, it does nothing", await IsLockedAsync(device));
        foreach (string partition in Partitions)
        {
            foreach (string holder in DemoDevice.Holders.Take(DemoDevice.Threshold))
            {
                device.Unlock(partition, holder);
            }
        }

        Report($"{string.Join(", ", DemoDevice.Holders.Take(DemoDevice.Threshold))} have entered their shares, the partitions are open", true);

        // Step 2: the ceremony.
        AnsiConsole.MarkupLine("\n[bold]The ceremony[/]");
        await using DemoCeremony ceremony = await DemoCeremony.PerformAsync(new DirectoryInfo(Path.Combine(output.FullName, "ceremony")), device);
        good &= ShowCeremony(ceremony);

        // Step 3: KMC and CA as processes, officers, an RA, certificates and pairs; and the doctor's visit while they run.
        AnsiConsole.MarkupLine("\n[bold]The key management centre and the CA[/]");
        var ca = new DirectoryInfo(Path.Combine(output.FullName, "services"));
        IReadOnlyList<Certificate> servers;
        string[] serverFiles;
        (Certificate Signing, Certificate Encryption) pair;
        await using (DemoProvince province = await DemoProvince.StartAsync(ceremony, ca))
        {
            good &= await province.ShowAsync();
            servers = province.Issued;
            pair = province.Pair;
            serverFiles = [Save(output, "server-sm2.pem", servers[0]), Save(output, "server-rsa.pem", servers[1])];
            good &= await DemoDoctor.ShowAsync(Path.GetRelativePath(Environment.CurrentDirectory, ceremony.Output), province, Path.Combine(ca.FullName, "ca", "log.anchor"), serverFiles);
            province.Stop();
        }

        good &= Report("zwca-ra, zwca-ca and zwca-kmc were told to end, answered what they had begun, and have ended", true);
        Certificate tampered = DemoVerification.Tampered(pair.Signing);
        AnsiConsole.Write(Describe(ceremony, pair));

        // Step 4: the log of what they did.
        await using (DemoRecords records = await DemoRecords.OpenAsync(ceremony, new DirectoryInfo(Path.Combine(output.FullName, "records")), Path.Combine(ca.FullName, "ca", "log.anchor")))
        {
            good &= await records.ShowLogAsync();
        }

        device.Stop();
        Report("hsm-sim has ended; the keys are on disk, encrypted", true);

        // Step 5: files, so that the reader can try tools of his own.
        string signing = Save(output, "person-signing.pem", pair.Signing);
        string encryption = Save(output, "person-encryption.pem", pair.Encryption);
        string altered = Save(output, "person-tampered.pem", tampered);

        // Step 6: our own verification, link by link; the changed certificate must fail.
        AnsiConsole.MarkupLine("\n[bold]Verified by ZWCA[/]");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Certificate issuing = ceremony.Certificate("issuing-s1");
        bool links = Links.All(link => DemoVerification.IsIssuedBy(ceremony.Certificate(link.Certificate), ceremony.Certificate(link.Issuer), now));
        good &= Report($"{Links.Length} links of both hierarchies, the cross-certificates and the link certificates", links);
        good &= Report(
            "both certificates that the RA had issued are signed by their CAs",
            DemoVerification.IsIssuedBy(servers[0], issuing, now) && DemoVerification.IsIssuedBy(servers[1], ceremony.Certificate("issuing-r1"), now));
        good &= Report("both certificates of the pair are signed by the issuing CA", DemoVerification.IsIssuedBy(pair.Signing, issuing, now) && DemoVerification.IsIssuedBy(pair.Encryption, issuing, now));
        good &= Report("the signing certificate with one bit changed is refused", !DemoVerification.IsIssuedBy(tampered, issuing, now));

        // Step 7: openssl's verification of the same links.
        if (DemoVerification.OpenSslVersion() is { } version)
        {
            AnsiConsole.MarkupLineInterpolated($"\n[bold]Verified by {version}[/]");
            foreach ((string certificate, string issuer) in Links)
            {
                bool isSm2 = ceremony.Certificate(issuer).Tbs.SubjectPublicKeyInfo.Algorithm == AlgorithmIdentifier.Sm2Key;
                good &= ReportOpenSsl($"{certificate} is signed by {issuer}", ceremony.FileOf(certificate), ceremony.FileOf(issuer), isSm2, accepted: true);
            }

            good &= ReportOpenSsl("the signing certificate is signed by the issuing CA", signing, ceremony.FileOf("issuing-s1"), isSm2: true, accepted: true);
            good &= ReportOpenSsl("the encryption certificate is signed by the issuing CA", encryption, ceremony.FileOf("issuing-s1"), isSm2: true, accepted: true);
            good &= ReportOpenSsl("the SM2 server certificate is signed by the SM2 CA", serverFiles[0], ceremony.FileOf("issuing-s1"), isSm2: true, accepted: true);
            good &= ReportOpenSsl("the RSA server certificate is signed by the RSA CA", serverFiles[1], ceremony.FileOf("issuing-r1"), isSm2: false, accepted: true);
            good &= ReportOpenSsl("the signing certificate with one bit changed is refused", altered, ceremony.FileOf("issuing-s1"), isSm2: true, accepted: false);
        }
        else
        {
            AnsiConsole.MarkupLine("\n[yellow]No openssl 3 on PATH: its opinion is missing here.[/]");
        }

        // Plain, so that a narrow terminal does not break the command.
        string folder = Path.GetRelativePath(Environment.CurrentDirectory, output.FullName);
        Console.WriteLine($"\nThe certificates are in {folder}, those of the ceremony in {Path.Combine(folder, "ceremony", "output")}. Look at one, judge one, check the ceremony anew:");
        Console.WriteLine($"  openssl x509 -in {Path.Combine(folder, "person-signing.pem")} -noout -text -nameopt utf8,sep_comma_plus_space");
        Console.WriteLine($"  dotnet run -c Release --project src/Admin -- lint {Path.Combine(folder, "person-signing.pem")}");
        Console.WriteLine($"  dotnet run -c Release --project src/Admin -- ceremony verify {Path.Combine(folder, "ceremony", "output")}");
        string proofs = Path.Combine(folder, "records");
        Console.WriteLine("The log's proof is checked by a program that shares no code with this one:");
        Console.WriteLine($"  python3 tests/verify-log.py {string.Join(' ', DemoRecords.ProofFiles.Select(name => Path.Combine(proofs, name)))}");
        AnsiConsole.MarkupLine(good ? "\n[green]All checks passed.[/]" : "\n[red]A check failed.[/]");
        return good ? 0 : 1;
    }

    /// <returns>Whether all came out as it should.</returns>
    private static bool ShowCeremony(DemoCeremony ceremony)
    {
        CeremonyReport report = CeremonyVerification.Check(ceremony.Output);
        foreach (string fault in report.Faults)
        {
            Report(fault, false);
        }

        bool good = Report("the ceremony's output verifies: " + (report.Checked.Count > 0 ? report.Checked[0] : "nothing was looked at"), report.Faults.Count == 0);
        Report($"{report.Inventory?.Certificates.Count} certificates, {report.Inventory?.Crls.Count} CRLs and ARLs; the first officers of CA and KMC are in office", true);

        // One byte of one file, for a moment.
        string file = ceremony.FileOf("root-s1");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        good &= Report("with one byte of one file changed it does not", CeremonyVerification.Check(ceremony.Output).Faults.Count > 0);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        return good;
    }

    private static async Task<bool> IsLockedAsync(DemoDevice device)
    {
        try
        {
            await using SimulatorHsm tooEarly = await device.ConnectAsync("ca");
            return false;
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Locked)
        {
            return true;
        }
    }

    private static Tree Describe(DemoCeremony ceremony, (Certificate Signing, Certificate Encryption) pair)
    {
        var tree = new Tree(Describe(ceremony.Certificate("root-s1")));
        TreeNode issuing = tree.AddNode(Describe(ceremony.Certificate("issuing-s1")));
        issuing.AddNode(Describe(pair.Signing));
        issuing.AddNode(Describe(pair.Encryption));
        return tree;
    }

    private static Markup Describe(Certificate certificate)
    {
        TbsCertificate tbs = certificate.Tbs;
        return Markup.FromInterpolated(
            $"""
            [bold]{string.Join(", ", tbs.Subject.Texts(Oids.CommonName))}[/]
            {tbs.Subject.ToWireString()}
            serial {tbs.SerialNumber}
            {tbs.Validity.NotBefore} … {tbs.Validity.NotAfter}
            {tbs.Extensions!.Find<KeyUsage>()!.Usages}, {Der.Encode(certificate).Length} bytes, SM3withSM2
            """);
    }

    private static string Save(DirectoryInfo folder, string name, Certificate certificate)
    {
        string path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
        return path;
    }

    /// <returns>The same.</returns>
    internal static bool Report(string what, bool good)
    {
        AnsiConsole.MarkupLineInterpolated(good ? (FormattableString)$"  [green]✓[/] {what}" : $"  [red]✗[/] {what}");
        return good;
    }

    private static bool ReportOpenSsl(string what, string certificatePath, string issuerPath, bool isSm2, bool accepted)
    {
        (bool actual, string output) = DemoVerification.OpenSslVerify(certificatePath, issuerPath, isSm2);
        if (Report(what, actual == accepted))
        {
            return true;
        }

        AnsiConsole.WriteLine(output);
        return false;
    }
}
