using System.CommandLine;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Lint;
using ZwCa.Admin.Programs;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>
/// <c>zwca doctor</c>: looks at a running installation from outside, a verdict in each line (docs/OPERATIONS.md). Exit code 0: all is well; 1: there are warnings; 2: something is
/// bad; 3: the command line is wrong, or a file that it names cannot be used; 4: the doctor itself failed or was interrupted.
/// </summary>
internal static class DoctorVerb
{
    public const string Name = "doctor";
    public const int UsageError = 3;

    /// <summary>The doctor itself failed, or was interrupted: nothing is known.</summary>
    public const int Broken = 4;

    /// <param name="time">Null: the system's clock.</param>
    public static Command Doctor(TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var trust = new Option<DirectoryInfo>("--trust") { Description = "The output of the ceremony, which says what there has to be.", Required = true };
        var url = new Option<string?>("--url") { Description = "Where the publication is reached from here; without it at the base URL of the ceremony." };
        var management = new Option<string[]>("--management") { Description = "Management listener of a service, http://HOST:PORT; once for each.", DefaultValueFactory = _ => [] };
        var ocsp = new Option<string[]>("--ocsp") { Description = "Where an OCSP responder answers, http://HOST:PORT/ocsp; once for each node. Certificates are then asked about there.", DefaultValueFactory = _ => [] };
        var tracking = new Option<string[]>("--tracking") { Description = "Where an RA's applicants look up their numbers, http://HOST:PORT; once for each.", DefaultValueFactory = _ => [] };
        var certificates = new Option<string[]>("--certificate") { Description = "An issued certificate: do its URLs answer, and what is its status? Once for each.", DefaultValueFactory = _ => [] };
        var state = new Option<string?>("--state") { Description = "File with the CRLs and checkpoints that runs have seen last; made if missing, and updated." };
        var timeout = new Option<int>("--timeout") { Description = "Seconds that a server may be silent.", DefaultValueFactory = _ => 30 };
        var anchors = new Option<string[]>("--log") { Description = "A file to which the CA's log appends its checkpoints (Ca:Log:Anchors), or a copy; once for each.", DefaultValueFactory = _ => [] };
        var profiles = new Option<DirectoryInfo?>("--profiles") { Description = "Folder of profiles besides the shipped ones: their certificates name CRLs too." };
        var megabytes = new Option<int>("--megabytes") { Description = "MiB that all answers together may have.", DefaultValueFactory = _ => 1024 };
        var minutes = new Option<int>("--minutes") { Description = "Minutes that all answers together may take.", DefaultValueFactory = _ => 8 };
        var json = new Option<bool>("--json") { Description = "For programs." };
        var command = new Command(Name, "Looks at a running installation from outside: CA certificates, CRLs, OCSP responders, addresses, services (CA, KMC, RA, OCSP) and clocks. Needs no secrets and changes nothing.")
        {
            trust, url, management, ocsp, tracking, certificates, anchors, profiles, state, timeout, megabytes, minutes, json,
        };
        command.Validators.Add(result =>
        {
            string[] addresses = [.. result.GetValue(management) ?? [], .. result.GetValue(ocsp) ?? [], .. result.GetValue(tracking) ?? [], .. result.GetValue(url) is { } one ? [one] : (string[])[]];
            foreach (string address in addresses.Where(address => CrlSource.AddressOf(address) is null))
            {
                result.AddError($"{address} is not an http(s) address.");
            }
        });
        timeout.RequireWithin(1, 3600, " seconds");
        foreach (Option<int> limit in (Option<int>[])[megabytes, minutes])
        {
            limit.RequireWithin(1, 1 << 20);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            try
            {
                var plan = new ExaminationPlan
                {
                    Installation = Installation.Read(parsed.GetRequiredValue(trust).FullName, parsed.GetValue(url), parsed.GetValue(profiles)?.FullName),
                    Management = [.. parsed.GetRequiredValue(management).Select(address => CrlSource.AddressOf(address)!)],
                    Responders = [.. parsed.GetRequiredValue(ocsp).Select(address => CrlSource.AddressOf(address)!)],
                    Tracking = [.. parsed.GetRequiredValue(tracking).Select(address => CrlSource.AddressOf(address)!)],
                    Certificates = [.. parsed.GetRequiredValue(certificates).Select(file => (file, Der.Decode<Certificate>(LintFile.ReadCertificate(file).Bytes)))],
                    Anchors = parsed.GetRequiredValue(anchors),
                    State = new KeptState(parsed.GetValue(state)),
                    Patience = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
                    MaxBytes = (long)parsed.GetValue(megabytes) << 20,
                    MaxTime = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                };
                DoctorReport report = await Examination.RunAsync(plan, time, cancellationToken);
                if (parsed.GetValue(json))
                {
                    report.WriteJson(output);
                }
                else
                {
                    report.WriteText(output);
                }

                // After the report: what was found is not lost because a disk is full.
                plan.State.Save();
                return (int)report.Worst;
            }
            catch (Exception e) when (e is CeremonyException or ProfileException or DerException or IOException or UnauthorizedAccessException)
            {
                parsed.InvocationConfiguration.Error.WriteLine(PlainText.Of(e.Message));
                return UsageError;
            }
            catch (Exception e)
            {
                // Whatever it is: the library would return 1, and a monitoring system would read "there are warnings".
                parsed.InvocationConfiguration.Error.WriteLine(PlainText.Of(e.ToString()));
                return Broken;
            }
        });
        return command;
    }
}
