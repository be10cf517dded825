using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.HsmSim.Server;
using ZwCa.HsmSim.Store;
using ZwCa.HsmSim.Verbs;

namespace ZwCa.HsmSim.Running;

/// <summary>A thing that was looked at before a device starts.</summary>
/// <param name="Name">A few words.</param>
/// <param name="Said">What was found.</param>
/// <param name="IsWrong">The device does not start so.</param>
internal sealed record RunFinding(string Name, string Said, bool IsWrong);

/// <summary>What has to be right before a device starts. Nothing is changed, and no partition opened: marks are those that partitions were made with; later ones a service sees when it connects.</summary>
internal static class RunChecks
{
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111;

    public static async Task<IReadOnlyList<RunFinding>> LookAsync(RunSettings settings, TimeProvider time)
    {
        var findings = new List<RunFinding>
        {
            settings is { Mode: RunMode.Production, AutoUnlock: true } or { Mode: RunMode.Production, Faults: true }
                ? new("mode", "Production, in which AutoUnlock and Faults have no place.", true)
                : new("mode", settings.Mode.ToString(), false),
        };
        try
        {
            using StoreFolder store = StoreFolder.Open(settings.Store, settings.Anchor);
            string anchors = settings.Anchor ?? Path.TrimEndingDirectorySeparator(settings.Store) + ".anchor";
            findings.AddRange(((string[])[settings.Store, anchors]).Select(LookAtFolder));
            findings.Add(LookAtCertificate(store, time));
            findings.AddRange(LookAtPartitions(store, settings));
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            findings.Add(new("store", e.Message, true));
        }

        findings.Add(await LookAtAddressAsync(settings.Listen));
        return findings;
    }

    private static RunFinding LookAtFolder(string folder) =>
        OperatingSystem.IsWindows() || (File.GetUnixFileMode(folder) & Others) == UnixFileMode.None
            ? new("store", folder, false)
            : new("store", $"{folder} is open to others: chmod 700.", true);

    private static RunFinding LookAtCertificate(StoreFolder store, TimeProvider time)
    {
        try
        {
            _ = Credentials.LoadConsoleHash(store);
            using X509Certificate2 own = Credentials.LoadServer(store);
            return new("certificate", $"valid until {own.NotAfter.ToUniversalTime():u}", time.GetUtcNow() > own.NotAfter);
        }
        catch (Exception e) when (e is StoreException or HsmException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            return new("certificate", e.Message, true);
        }
    }

    private static IEnumerable<RunFinding> LookAtPartitions(StoreFolder store, RunSettings settings)
    {
        IReadOnlyList<PartitionFolder> partitions = store.Partitions;
        if (partitions.Count == 0)
        {
            yield return new("partitions", "There is none: make one with init.", true);
        }

        foreach (PartitionFolder folder in partitions)
        {
            RunFinding finding;
            try
            {
                PartitionHeader header = folder.ReadHeader();
                string marks = header.Marks == StoreMarks.None ? "made without marks" : $"marked {header.Marks}";
                finding = new(
                    $"partition {folder.Name}",
                    $"{Convert.ToHexStringLower(header.Id.Span)}, {header.Threshold} of {header.Holders.Count} holders, {marks}",
                    false);
                if (settings.Mode == RunMode.Production && header.Marks != StoreMarks.None)
                {
                    finding = finding with { Said = $"It is marked {header.Marks}: unfit for production, for good.", IsWrong = true };
                }
                else if (!File.Exists(folder.AnchorPath))
                {
                    finding = finding with { Said = $"Its anchor {folder.AnchorPath} is missing: it does not open without it.", IsWrong = true };
                }
            }
            catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
            {
                finding = new($"partition {folder.Name}", e.Message, true);
            }

            yield return finding;
        }
    }

    private static async Task<RunFinding> LookAtAddressAsync(DnsEndPoint listen)
    {
        try
        {
            IPEndPoint address = await Address.ResolveAsync(listen);
            using var listener = new TcpListener(address);
            listener.Start();
            return new("listen", address.ToString(), false);
        }
        catch (Exception e) when (e is VerbException or SocketException)
        {
            return new("listen", e is VerbException ? e.Message : $"{listen.Host}:{listen.Port} cannot be listened on: {e.Message}.", true);
        }
    }
}
