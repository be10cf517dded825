using System.Net;
using Microsoft.Extensions.Configuration;
using ZwCa.Jobs;
using ZwCa.Officers;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Enrollments;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra;

/// <summary>What an RA has to be told besides what every service is: section <c>Ra</c> of its configuration.</summary>
public sealed record RaOptions
{
    public const string Section = "Ra";

    /// <summary>As the CA has it registered; what officers sign names it.</summary>
    public required string Name { get; init; }

    /// <summary>GB/T 2260: the province, whole.</summary>
    public required string Region { get; init; }

    public required HsmOptions Hsm { get; init; }

    public required LogKeyOptions Log { get; init; }

    /// <summary>Label of the key that signs what is sent to the CA.</summary>
    public required string MessageKey { get; init; }

    /// <summary>PEM: of the message key, by the CA's profile ra-system.</summary>
    public required string MessageCertificateFile { get; init; }

    /// <summary>Label of the key that ID numbers are indexed with.</summary>
    public required string PersonIndexKey { get; init; }

    /// <summary>Label of the key that wraps the data keys.</summary>
    public required string DataKek { get; init; }

    /// <summary>PEM: the CAs that certify officers.</summary>
    public required IReadOnlyList<string> OfficerIssuerFiles { get; init; }

    public required CaLinkOptions Ca { get; init; }

    /// <summary>What can be applied for, by the names that clerks choose from.</summary>
    public required IReadOnlyDictionary<string, EnrollmentProfileOptions> Profiles { get; init; }

    public TimeLimits Limits { get; init; } = new();

    /// <summary>Where applicants look up their tracking numbers: plain http, <c>127.0.0.1:8080</c>, behind the province's gateway. Null: nowhere.</summary>
    public string? TrackingListen { get; init; }

    /// <summary>Addresses of the gateways before it, whose last entry of <c>X-Forwarded-For</c> says who asks; from others the header counts for nothing.</summary>
    public IReadOnlyList<string> TrackingGateways { get; init; } = [];

    /// <summary>How long a node that has died while it ran an officer's request keeps others from it; at least Service:Limits:RequestTimeout.</summary>
    public TimeSpan ClaimFor { get; init; } = new MessageOptions().ClaimFor;

    /// <summary>How long a node that has died while it worked on a batch keeps others from it.</summary>
    public TimeSpan BatchClaimFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the file of an import is kept after drafts were made of it, it was given up, or nobody went on with it.</summary>
    public TimeSpan BatchFilesKeptFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>So many batches an officer may have begun of which no drafts were made yet.</summary>
    public int BatchesPerOfficer { get; init; } = 20;

    /// <summary>How the nodes share their jobs.</summary>
    public JobOptions Jobs { get; init; } = new();

    /// <exception cref="ConfigurationException">A setting is missing, unknown or wrong.</exception>
    public static RaOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        RaOptions? options;
        try
        {
            options = configuration.GetSection(Section).Get<RaOptions>(binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            throw ServiceConfiguration.NotBound(e);
        }

        if (options is null)
        {
            throw new ConfigurationException([$"Section {Section} is missing."]);
        }

        // The binder leaves null what is not there, also where the type says otherwise.
        var reasons = new List<string>();
        Need(!string.IsNullOrEmpty(options.Name), nameof(Name), "the RA's name as the CA has it");
        Need(RegionCode.IsCode(options.Region), nameof(Region), "a code of GB/T 2260");
        Need(options.Hsm is { Endpoint.Length: > 0, Partition.Length: > 0, ClientFolder.Length: > 0 }, "Hsm", "Endpoint, Partition and ClientFolder");
        Need(options.Hsm is null || IPEndPoint.TryParse(options.Hsm.Endpoint ?? "", out _), "Hsm:Endpoint", "ADDRESS:PORT");
        Need(options.Log is { Origin.Length: > 0, KeyLabel.Length: > 0, Anchors.Count: > 0 }, "Log", "Origin, KeyLabel and at least one of Anchors");
        foreach ((string? label, string setting) in ((string?, string)[]) [(options.MessageKey, nameof(MessageKey)), (options.PersonIndexKey, nameof(PersonIndexKey)), (options.DataKek, nameof(DataKek))])
        {
            Need(!string.IsNullOrEmpty(label), setting, "a key's label");
        }

        Need(!string.IsNullOrEmpty(options.MessageCertificateFile), nameof(MessageCertificateFile), "a PEM file");
        Need(options.OfficerIssuerFiles is { Count: > 0 } files && files.All(file => !string.IsNullOrEmpty(file)), nameof(OfficerIssuerFiles), "at least one PEM file");
        Need(options.Ca is { Name.Length: > 0, Recipient.Length: > 0, LogOrigin.Length: > 0, LogKeyFile.Length: > 0 } && Uri.TryCreate(options.Ca.Address, UriKind.Absolute, out Uri? address) && address.Scheme == Uri.UriSchemeHttps, "Ca", "Name, Recipient, LogOrigin, LogKeyFile and Address, https://HOST:PORT");
        Need(options.TrackingListen is null || IPEndPoint.TryParse(options.TrackingListen, out _), nameof(TrackingListen), "ADDRESS:PORT");
        Need(options.TrackingGateways.All(gateway => IPAddress.TryParse(gateway, out _)), nameof(TrackingGateways), "addresses");
        Need(options.ClaimFor >= TimeSpan.FromSeconds(1) && options.ClaimFor <= TimeSpan.FromHours(1), nameof(ClaimFor), "one second to one hour");
        Need(options.BatchClaimFor >= TimeSpan.FromSeconds(1) && options.BatchClaimFor <= TimeSpan.FromHours(1), nameof(BatchClaimFor), "one second to one hour");
        Need(options.BatchFilesKeptFor >= TimeSpan.FromHours(1) && options.BatchFilesKeptFor <= TimeSpan.FromDays(3650), nameof(BatchFilesKeptFor), "one hour to 3650 days");
        Need(options.BatchesPerOfficer is >= 1 and <= 10_000, nameof(BatchesPerOfficer), "1 to 10000");
        Need(JobOptions.IsCheckIn(options.Jobs.CheckIn), "Jobs:CheckIn", "one second to one minute");
        Need(JobOptions.IsMisfireThreshold(options.Jobs.MisfireThreshold), "Jobs:MisfireThreshold", "one second to ten minutes");
        Need(options.Profiles is { Count: > 0 }, nameof(Profiles), "at least one");
        foreach ((string name, EnrollmentProfileOptions profile) in options.Profiles ?? new Dictionary<string, EnrollmentProfileOptions>())
        {
            reasons.AddRange(profile.Faults().Select(fault => $"{Section}:Profiles:{name}:{fault}"));
        }

        reasons.AddRange(options.Ca?.Faults().Select(fault => $"{Section}:Ca:{fault}") ?? []);
        reasons.AddRange(options.Limits.Faults().Select(fault => $"{Section}:Limits:{fault}"));
        return reasons.Count == 0 ? options : throw new ConfigurationException(reasons);

        void Need(bool right, string setting, string expected)
        {
            if (!right)
            {
                reasons.Add($"{Section}:{setting} must be {expected}.");
            }
        }
    }
}
