using System.Data.Common;
using Spectre.Console;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Admin.Demo;

/// <summary>
/// <c>zwca demo</c>: starts a device, lets its holders unlock it, makes the hierarchy in it, has it verified twice, and shows that a change of one bit
/// is noticed.
/// </summary>
internal static class DemoCommand
{
    private const string RootPartition = "root";
    private const string CaPartition = "ca";
    private const string ServicePartition = "service";

    /// <returns>0 when every check came out as it should, else 1.</returns>
    public static async Task<int> RunAsync(DirectoryInfo output)
    {
        try
        {
            return await ShowAsync(output);
        }
        catch (Exception e) when (e is DemoException or HsmException or DbException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The demo cannot go on: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> ShowAsync(DirectoryInfo output)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        bool good = true;
        AnsiConsole.Write(new Rule("[bold]政务CA 演示 · ZWCA demo[/]").LeftJustified());
        AnsiConsole.MarkupLine("An SM2 root certifies an issuing CA, which certifies a civil servant's signing key. The CAs' keys are made in hsm-sim, a process of its own, and stay there.");

        // Step 1: a device with two partitions, and its holders.
        output.Create();
        await using var device = new DemoDevice(new DirectoryInfo(Path.Combine(output.FullName, "hsm")));
        AnsiConsole.MarkupLine("\n[bold]The device[/]");
        device.Initialize(RootPartition, CaPartition, ServicePartition);
        device.Start();
        Report($"hsm-sim runs with the partitions {RootPartition}, {CaPartition} and {ServicePartition}; of {DemoDevice.Holders.Count} holders each, any {DemoDevice.Threshold} open it", true);
        good &= Report("locked, it does nothing", await IsLockedAsync(device));
        foreach (string partition in (string[])[RootPartition, CaPartition, ServicePartition])
        {
            foreach (string holder in DemoDevice.Holders.Take(DemoDevice.Threshold))
            {
                device.Unlock(partition, holder);
            }

            Report($"{partition}: {string.Join(", ", DemoDevice.Holders.Take(DemoDevice.Threshold))} have entered their shares, it is open", true);
        }

        // Step 2: keys and certificates.
        await using SimulatorHsm rootDevice = await device.ConnectAsync(RootPartition);
        await using SimulatorHsm caDevice = await device.ConnectAsync(CaPartition);
        DemoHierarchy hierarchy = await DemoHierarchy.CreateAsync(rootDevice, caDevice, now);
        Certificate tampered = DemoVerification.Tampered(hierarchy.Person);
        AnsiConsole.WriteLine();
        AnsiConsole.Write(Describe(hierarchy));
        good &= Report("the device counts the root key's signatures: 2", await CountAsync(rootDevice, "root-s1") == 2);
        good &= Report("and the issuing key's: 1", await CountAsync(caDevice, "issuing-s1") == 1);

        // Step 3: officers who decide in twos, and the log of what they did.
        await using SimulatorHsm serviceDevice = await device.ConnectAsync(ServicePartition);
        await using (DemoRecords records = await DemoRecords.CreateAsync(caDevice, serviceDevice, new DirectoryInfo(Path.Combine(output.FullName, "records"))))
        {
            good &= await records.ShowOfficersAsync();
            good &= await records.ShowLogAsync();
        }

        device.Stop();
        Report("hsm-sim has ended; the keys are on disk, encrypted", true);

        // Step 4: files, so that the reader can try tools of his own.
        string[] paths =
        [
            Save(output, "root.pem", hierarchy.Root),
            Save(output, "issuing.pem", hierarchy.Issuing),
            Save(output, "person.pem", hierarchy.Person),
            Save(output, "person-tampered.pem", tampered),
        ];

        // Step 5: our own verification, link by link; the changed certificate must fail.
        AnsiConsole.MarkupLine("\n[bold]Verified by ZWCA[/]");
        good &= Report("root is signed by itself", DemoVerification.IsIssuedBy(hierarchy.Root, hierarchy.Root, now));
        good &= Report("issuing CA is signed by the root", DemoVerification.IsIssuedBy(hierarchy.Issuing, hierarchy.Root, now));
        good &= Report("person is signed by the issuing CA", DemoVerification.IsIssuedBy(hierarchy.Person, hierarchy.Issuing, now));
        good &= Report("person with one bit changed is refused", !DemoVerification.IsIssuedBy(tampered, hierarchy.Issuing, now));

        // Step 6: openssl's verification of the same links.
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

    private static async Task<bool> IsLockedAsync(DemoDevice device)
    {
        try
        {
            await using SimulatorHsm tooEarly = await device.ConnectAsync(CaPartition);
            return false;
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Locked)
        {
            return true;
        }
    }

    private static async Task<long> CountAsync(SimulatorHsm device, string label) =>
        await device.GetSignatureCountAsync((await device.FindKeyAsync(new KeyLabel(label)))!);

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

    /// <returns>The same.</returns>
    internal static bool Report(string what, bool good)
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
