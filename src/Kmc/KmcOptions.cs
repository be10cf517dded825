using System.Net;
using Microsoft.Extensions.Configuration;
using ZwCa.Jobs;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Requests;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc;

/// <summary>What a KMC has to be told besides what every service is: section <c>Kmc</c> of its configuration.</summary>
public sealed record KmcOptions
{
    public const string Section = "Kmc";

    /// <summary>What officers write as caName into the commands that they sign.</summary>
    public required string Name { get; init; }

    public required HsmOptions Hsm { get; init; }

    public required LogKeyOptions Log { get; init; }

    /// <summary>Label of the key that wraps subscribers' keys.</summary>
    public required string EscrowKek { get; init; }

    /// <summary>Label of the key that signs answers and the content of envelopes.</summary>
    public required string MessageKey { get; init; }

    /// <summary>PEM: of the message key.</summary>
    public required string MessageCertificateFile { get; init; }

    /// <summary>Label of the key that the rows' MACs come from.</summary>
    public required string RowMacKey { get; init; }

    /// <summary>Label of the key that ID numbers are indexed with.</summary>
    public required string PersonIndexKey { get; init; }

    /// <summary>Label of the key that wraps the data keys.</summary>
    public required string DataKek { get; init; }

    /// <summary>PEM: the CAs that certify officers.</summary>
    public required IReadOnlyList<string> OfficerIssuerFiles { get; init; }

    public PoolOptions Pool { get; init; } = new();

    public RequestOptions Requests { get; init; } = new();

    /// <summary>How often the stock is looked at.</summary>
    public TimeSpan PoolLook { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>When all rows are held against the log: a Quartz cron expression, in the time zone of the machine.</summary>
    public string CheckSchedule { get; init; } = "0 0 3 * * ?";

    /// <summary>How often keys whose time is over are looked for.</summary>
    public TimeSpan ExpiryLook { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For how long keys of the history are kept at the least. The KMC deletes none: it reports those that are older.</summary>
    public int RetentionYears { get; init; } = 10;

    /// <summary>When it does: a Quartz cron expression.</summary>
    public string RetentionSchedule { get; init; } = "0 0 4 1 * ?";

    /// <summary>How long a node that has died while it ran an officer's request keeps others from it; at least Service:Limits:RequestTimeout.</summary>
    public TimeSpan ClaimFor { get; init; } = new MessageOptions().ClaimFor;

    /// <summary>How the nodes share their jobs.</summary>
    public JobOptions Jobs { get; init; } = new();

    /// <exception cref="ConfigurationException">A setting is missing, unknown or wrong.</exception>
    public static KmcOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        KmcOptions? options;
        try
        {
            options = configuration.GetSection(Section).Get<KmcOptions>(binder => binder.ErrorOnUnknownConfiguration = true);
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
        Need(!string.IsNullOrEmpty(options.Name), "Name", "the KMC's name as commands write it");
        Need(options.Hsm is { Endpoint.Length: > 0, Partition.Length: > 0, ClientFolder.Length: > 0 }, "Hsm", "Endpoint, Partition and ClientFolder");
        Need(options.Hsm is null || IPEndPoint.TryParse(options.Hsm.Endpoint ?? "", out _), "Hsm:Endpoint", "ADDRESS:PORT");
        Need(options.Log is { Origin.Length: > 0, KeyLabel.Length: > 0, Anchors.Count: > 0 }, "Log", "Origin, KeyLabel and at least one of Anchors");
        foreach ((string? label, string setting) in ((string?, string)[])
        [
            (options.EscrowKek, nameof(EscrowKek)), (options.MessageKey, nameof(MessageKey)), (options.RowMacKey, nameof(RowMacKey)),
            (options.PersonIndexKey, nameof(PersonIndexKey)), (options.DataKek, nameof(DataKek)),
        ])
        {
            Need(!string.IsNullOrEmpty(label), setting, "a key's label");
        }

        Need(!string.IsNullOrEmpty(options.MessageCertificateFile), nameof(MessageCertificateFile), "a PEM file");
        Need(options.OfficerIssuerFiles is { Count: > 0 } files && files.All(file => !string.IsNullOrEmpty(file)), nameof(OfficerIssuerFiles), "at least one PEM file");
        Need(IsTime(options.PoolLook, TimeSpan.FromHours(1)), nameof(PoolLook), "one second to one hour");
        Need(IsTime(options.ExpiryLook, TimeSpan.FromDays(1)), nameof(ExpiryLook), "one second to one day");
        Need(IsTime(options.ClaimFor, TimeSpan.FromHours(1)), nameof(ClaimFor), "one second to one hour");
        Need(IsTime(options.Requests.ClaimFor, TimeSpan.FromMinutes(10)), "Requests:ClaimFor", "one second to ten minutes");
        Need(options.Requests.MaxBytes is >= 1024 and <= Sender.MaxBytes, "Requests:MaxBytes", $"1024 to {Sender.MaxBytes}");
        Need(JobSchedule.Cron.IsRight(options.CheckSchedule), nameof(CheckSchedule), "a Quartz cron expression");
        Need(JobSchedule.Cron.IsRight(options.RetentionSchedule), nameof(RetentionSchedule), "a Quartz cron expression");
        Need(options.RetentionYears is >= 1 and <= 100, nameof(RetentionYears), "1 to 100");
        Need(JobOptions.IsCheckIn(options.Jobs.CheckIn), "Jobs:CheckIn", "one second to one minute");
        Need(JobOptions.IsMisfireThreshold(options.Jobs.MisfireThreshold), "Jobs:MisfireThreshold", "one second to ten minutes");
        reasons.AddRange(options.Pool.Faults());
        return reasons.Count == 0 ? options : throw new ConfigurationException(reasons);

        void Need(bool right, string setting, string expected)
        {
            if (!right)
            {
                reasons.Add($"{Section}:{setting} must be {expected}.");
            }
        }
    }

    private static bool IsTime(TimeSpan value, TimeSpan most) => value >= TimeSpan.FromSeconds(1) && value <= most;
}
