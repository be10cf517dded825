using Spectre.Console;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Demo;

/// <summary>
/// <c>zwca demo</c>: makes the hierarchy, has it verified twice, and shows that a change of one bit is noticed.
/// </summary>
internal static class DemoCommand
{
    /// <returns>0 when every check came out as it should, else 1.</returns>
    public static int Run(DirectoryInfo output)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        bool good = true;
        AnsiConsole.Write(new Rule("[bold]政务CA 演示 · ZWCA demo[/]").LeftJustified());
        AnsiConsole.MarkupLine("An SM2 root certifies an issuing CA, which certifies a civil servant's signing key. Keys live in this process only.\n");

        // Step 1: keys and certificates.
        using var hierarchy = new DemoHierarchy(now);
        Certificate tampered = DemoVerification.Tampered(hierarchy.Person);
        AnsiConsole.Write(Describe(hierarchy));

        // Step 2: files, so that the reader can try tools of his own.
        string[] paths;
        try
        {
            output.Create();
            paths =
            [
                Save(output, "root.pem", hierarchy.Root),
                Save(output, "issuing.pem", hierarchy.Issuing),
                Save(output, "person.pem", hierarchy.Person),
                Save(output, "person-tampered.pem", tampered),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"Cannot write to {output.FullName}: {e.Message}");
            return 1;
        }

        // Step 3: our own verification, link by link; the changed certificate must fail.
        AnsiConsole.MarkupLine("\n[bold]Verified by ZWCA[/]");
        good &= Report("root is signed by itself", DemoVerification.IsIssuedBy(hierarchy.Root, hierarchy.Root, now));
        good &= Report("issuing CA is signed by the root", DemoVerification.IsIssuedBy(hierarchy.Issuing, hierarchy.Root, now));
        good &= Report("person is signed by the issuing CA", DemoVerification.IsIssuedBy(hierarchy.Person, hierarchy.Issuing, now));
        good &= Report("person with one bit changed is refused", !DemoVerification.IsIssuedBy(tampered, hierarchy.Issuing, now));

        // Step 4: openssl's verification of the same links.
        if (DemoVerification.OpenSslVersion() is { } version)
        {
            AnsiConsole.MarkupLineInterpolated($"\n[bold]Verified by {version}[/]");
            good &= ReportOpenSsl("root is signed by itself", paths[0], paths[0], accepted: true);
            good &= ReportOpenSsl("issuing CA is signed by the root", paths[1], paths[0], accepted: true);
            good &= ReportOpenSsl("person is signed by the issuing CA", paths[2], paths[1], accepted: true);
            good &= ReportOpenSsl("person with one bit changed is refused", paths[3], paths[1], accepted: false);
        }
        else
        {
            AnsiConsole.MarkupLine("\n[yellow]No openssl 3 on PATH: its opinion is missing here.[/]");
        }

        // Plain, so that a narrow terminal does not break the command.
        string folder = Path.GetRelativePath(Environment.CurrentDirectory, output.FullName);
        Console.WriteLine($"\nThe certificates are in {folder}. Look at one with:");
        Console.WriteLine($"  openssl x509 -in {Path.Combine(folder, "person.pem")} -noout -text -nameopt utf8,sep_comma_plus_space");
        AnsiConsole.MarkupLine(good ? "\n[green]All checks passed.[/]" : "\n[red]A check failed.[/]");
        return good ? 0 : 1;
    }

    private static Tree Describe(DemoHierarchy hierarchy)
    {
        var tree = new Tree(Describe(hierarchy.Root));
        tree.AddNode(Describe(hierarchy.Issuing)).AddNode(Describe(hierarchy.Person));
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

    private static bool Report(string what, bool good)
    {
        AnsiConsole.MarkupLineInterpolated(good ? (FormattableString)$"  [green]✓[/] {what}" : $"  [red]✗[/] {what}");
        return good;
    }

    private static bool ReportOpenSsl(string what, string certificatePath, string issuerPath, bool accepted)
    {
        (bool actual, string output) = DemoVerification.OpenSslVerify(certificatePath, issuerPath);
        if (Report(what, actual == accepted))
        {
            return true;
        }

        AnsiConsole.WriteLine(output);
        return false;
    }
}
