using System.Net;
using Microsoft.Extensions.Configuration;
using ZwCa.Ca.Crls;
using ZwCa.Ca.KeyCentre;
using ZwCa.Ca.Ocsp;
using ZwCa.Jobs;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca;

/// <summary>What a CA has to be told besides what every service is: section <c>Ca</c> of its configuration.</summary>
public sealed record CaOptions
{
    public const string Section = "Ca";

    /// <summary>What officers and RAs write as caName into what they sign.</summary>
    public required string Name { get; init; }

    /// <summary>As in the ceremony's inventory: it is in certificates that exist.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Dotted OID.</summary>
    public required string PolicyArc { get; init; }

    public required HsmOptions Hsm { get; init; }

    public required IReadOnlyList<AuthorityOptions> Authorities { get; init; }

    /// <summary>The CA of officers, RA systems and service signers, by its name.</summary>
    public required string OperationsAuthority { get; init; }

    /// <summary>The CA of links, by its name.</summary>
    public required string SystemAuthority { get; init; }

    public required LogKeyOptions Log { get; init; }

    /// <summary>Label of the key that ID numbers are indexed with.</summary>
    public required string PersonIndexKey { get; init; }

    /// <summary>Label of the key that wraps the data keys.</summary>
    public required string DataKek { get; init; }

    /// <summary>Profiles of the deployment, besides those that are shipped. Null: none.</summary>
    public string? ProfileFolder { get; init; }

    /// <summary>How long an issuance may have stood still before recovery takes it up; longer than a request takes.</summary>
    public TimeSpan RecoverAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Calls to the device for one intention, at the least, before it is given up.</summary>
    public int SigningAttempts { get; init; } = 20;

    /// <summary>How long a node that has died while it ran a request keeps others from it; at least Service:Limits:RequestTimeout.</summary>
    public TimeSpan ClaimFor { get; init; } = new MessageOptions().ClaimFor;

    /// <summary>Quartz cron expression, in the time zone of the machine.</summary>
    public string ReauditSchedule { get; init; } = "0 30 2 * * ?";

    public CrlOptions Crls { get; init; } = new();

    /// <summary>Null: no OCSP, and nothing is issued that names an OCSP service.</summary>
    public OcspOptions? Ocsp { get; init; }

    /// <summary>Null: no pairs are issued.</summary>
    public KeyCentreOptions? KeyCentre { get; init; }

    /// <summary>How the nodes share their jobs.</summary>
    public JobOptions Jobs { get; init; } = new();

    /// <exception cref="ConfigurationException">A setting is missing, unknown or wrong.</exception>
    public static CaOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        CaOptions? options;
        try
        {
            options = configuration.GetSection(Section).Get<CaOptions>(binder => binder.ErrorOnUnknownConfiguration = true);
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
        Need(!string.IsNullOrEmpty(options.Name), "Name", "the CA's name as applications write it");
        Need(!string.IsNullOrEmpty(options.BaseUrl), "BaseUrl", "http://HOST");
        Need(!string.IsNullOrEmpty(options.PolicyArc), "PolicyArc", "a dotted OID");
        Need(options.Hsm is { Endpoint.Length: > 0, Partition.Length: > 0, ClientFolder.Length: > 0 }, "Hsm", "Endpoint, Partition and ClientFolder");
        Need(options.Hsm is null || IPEndPoint.TryParse(options.Hsm.Endpoint ?? "", out _), "Hsm:Endpoint", "ADDRESS:PORT");
        IReadOnlyList<AuthorityOptions> authorities = options.Authorities ?? [];
        Need(authorities.Count > 0 && authorities.All(each => each is { Name.Length: > 0 and <= 64, CertificateFile.Length: > 0, KeyLabel.Length: > 0 }), "Authorities", "Name, CertificateFile and KeyLabel of each");
        Need(authorities.Any(each => each.Name == options.OperationsAuthority), "OperationsAuthority", "the name of one of Authorities");
        Need(authorities.Any(each => each.Name == options.SystemAuthority), "SystemAuthority", "the name of one of Authorities");
        Need(options.Log is { Origin.Length: > 0, KeyLabel.Length: > 0, Anchors.Count: > 0 }, "Log", "Origin, KeyLabel and at least one of Anchors");
        Need(!string.IsNullOrEmpty(options.PersonIndexKey), "PersonIndexKey", "a key's label");
        Need(!string.IsNullOrEmpty(options.DataKek), "DataKek", "a key's label");
        Need(options.RecoverAfter >= TimeSpan.FromSeconds(1) && options.RecoverAfter <= TimeSpan.FromDays(1), "RecoverAfter", "one second to one day");
        Need(options.SigningAttempts is >= 1 and <= 1000, "SigningAttempts", "1 to 1000");
        Need(options.ClaimFor > TimeSpan.Zero && options.ClaimFor <= TimeSpan.FromHours(1), "ClaimFor", "more than nothing, up to one hour");
        Need(JobSchedule.Cron.IsRight(options.ReauditSchedule), "ReauditSchedule", "a Quartz cron expression");
        Need(JobOptions.IsCheckIn(options.Jobs.CheckIn), "Jobs:CheckIn", "one second to one minute");
        Need(JobOptions.IsMisfireThreshold(options.Jobs.MisfireThreshold), "Jobs:MisfireThreshold", "one second to ten minutes");
        reasons.AddRange(options.Crls.Faults());
        reasons.AddRange(options.Ocsp?.Faults(authorities.Select(each => each?.Name ?? "")) ?? []);
        reasons.AddRange(options.KeyCentre?.Faults() ?? []);
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

/// <summary>A CA of this service.</summary>
public sealed record AuthorityOptions
{
    /// <summary>Short, for ever: <c>issuing-s1</c>.</summary>
    public required string Name { get; init; }

    /// <summary>PEM.</summary>
    public required string CertificateFile { get; init; }

    public required string KeyLabel { get; init; }

    /// <summary>Whether it certifies subscribers: what an RA may be allowed to ask for.</summary>
    public bool ForSubscribers { get; init; }

    /// <summary>PEM each: its issuer, and so on up to the root, for the chains of answers.</summary>
    public IReadOnlyList<string> AboveFiles { get; init; } = [];
}
