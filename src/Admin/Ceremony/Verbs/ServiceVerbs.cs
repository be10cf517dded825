using System.CommandLine;
using ZwCa.Hsm;

namespace ZwCa.Admin.Ceremony;

/// <summary>From a ceremony's output to services that run: the keys and requests of one that came later, and each one's first configuration.</summary>
internal static class ServiceVerbs
{
    private const string Ca = "ca";
    private const string Kmc = "kmc";
    private const string Ra = "ra";
    private const string OcspDevice = "service";

    public static Command Request()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Output of a ceremony, verified." };
        var papers = new Option<FileInfo>("--ra") { Description = "The RA's papers (JSON): name, region, device, profiles. The requests are put beside them.", Required = true };
        Option<string?> device = Device();
        var command = new Command(
            "request",
            $"Makes an RA's keys in its device, the key of its link, and the two requests that officers order its certificates with. The link key's password is in {CeremonyRun.LinkPasswordVariable}. Interrupted, the same command goes on.")
        {
            folder, papers, device,
        };
        command.SetAction((parsed, cancellationToken) => CeremonyVerbs.GuardAsync(async () =>
        {
            var ceremony = new CeremonyFolder(parsed.GetRequiredValue(folder).FullName);
            var inventory = Inventory.Read(ceremony.Read(Inventory.FileName));
            var ra = RaPapers.Read(parsed.GetRequiredValue(papers).FullName);
            await using IHsm hsm = await DeviceSet.ConnectAsync(ra.DeviceOf(inventory, parsed.GetValue(device)), inventory.Demo, cancellationToken);
            await RaKeys.RequestAsync(ra, hsm, Environment.GetEnvironmentVariable(CeremonyRun.LinkPasswordVariable), Console.WriteLine, cancellationToken);
            Console.WriteLine(
                $"""

                The officers order, for {ra.Name}: by certificate.order its message certificate (profile ra-system) with {ra.PathOf(RaPapers.MessageRequestFile)},
                by client.register its link with {ra.PathOf(RaPapers.LinkRequestFile)}. Put the certificates beside them: {RaPapers.MessageFile}, {RaPapers.LinkFile}.
                Then: zwca ceremony configure {parsed.GetRequiredValue(folder)} --service {Ra} --ra {parsed.GetRequiredValue(papers)} --ca https://HOST:PORT --to FOLDER
                Make a backup of the partition now: without the index key nobody is found again.
                """);
            return 0;
        }));
        return command;
    }

    public static Command Configure()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "Output of a ceremony, verified." };
        var target = new Option<DirectoryInfo>("--to") { Description = "A new folder: the configuration, and copies of what it names.", Required = true };
        var listen = new Option<string>("--listen") { Description = "ADDRESS:PORT of the links.", DefaultValueFactory = _ => "0.0.0.0:8443" };
        var management = new Option<string>("--management") { Description = "ADDRESS:PORT of health and metrics, on loopback.", DefaultValueFactory = _ => "127.0.0.1:9443" };
        var connection = new Option<string?>("--connection") { Description = "Connection string; without it, it is to be given in ZWCA_Service__Database__ConnectionString." };
        var service = new Option<string>("--service") { Description = "ca, kmc, ra, or the name of an OCSP node: ocsp-1.", DefaultValueFactory = _ => Ca };
        var papers = new Option<FileInfo?>("--ra") { Description = "Of an RA: its papers (JSON), with its certificates beside them; see zwca ceremony request." };
        Option<string?> device = Device();
        var authority = new Option<string?>("--ca") { Description = "Of an OCSP node or an RA: https://HOST:PORT of its CA." };
        var centre = new Option<string?>("--key-centre") { Description = "Of a CA: https://HOST:PORT of its KMC. Without it, it issues no pairs." };
        var mode = new Option<string>("--mode") { Description = "Production, Demo or Development.", DefaultValueFactory = _ => "Production" };
        var command = new Command("configure", "Writes a service's first configuration: then its program's migrate, of the CA import, check-config.")
        {
            folder, target, service, papers, listen, management, connection, device, centre, authority, mode,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(papers) is null == (result.GetValue(service) == Ra))
            {
                result.AddError("--service ra and --ra go together.");
            }
        });
        command.SetAction((parsed, _) => CeremonyVerbs.GuardAsync(() =>
        {
            string which = parsed.GetRequiredValue(service);
            string? keys = parsed.GetValue(device);
            string to = parsed.GetRequiredValue(target).FullName;
            var ceremony = new CeremonyFolder(parsed.GetRequiredValue(folder).FullName);
            var place = new ServicePlace
            {
                Listen = parsed.GetRequiredValue(listen),
                Management = parsed.GetRequiredValue(management),
                ConnectionString = parsed.GetValue(connection),
                KeyCentre = parsed.GetValue(centre),
                Ca = parsed.GetValue(authority),
                Mode = parsed.GetRequiredValue(mode),
            };
            Console.WriteLine(which switch
            {
                Ca => ServiceSettings.WriteCa(ceremony, which, keys ?? Ca, place, to),
                Kmc => ServiceSettings.WriteKmc(ceremony, which, keys ?? Kmc, place, to),
                Ra => RaServiceSettings.Write(ceremony, RaPapers.Read(parsed.GetValue(papers)!.FullName), keys, place, to),
                _ => ServiceSettings.WriteOcsp(ceremony, which, keys ?? OcspDevice, place, to),
            });
            return Task.FromResult(0);
        }));
        return command;
    }

    private static Option<string?> Device() => new("--device")
    {
        Description = "Id of the ceremony's device with the service's keys; without it, that of the service's name, of an OCSP node service, of an RA the one in its papers.",
    };
}
