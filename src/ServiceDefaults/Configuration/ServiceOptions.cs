using System.Net;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>What every service has to be told: section <c>Service</c> of its configuration. </summary>
public sealed record ServiceOptions
{
    public const string Section = "Service";

    /// <summary>Of this service in the system: what signed messages name as their recipient. 1 to 64 characters.</summary>
    public required string Name { get; init; }

    public ServiceMode Mode { get; init; } = ServiceMode.Production;

    /// <summary>Address and port of the links: <c>0.0.0.0:8443</c>. Port 0 takes a free one.</summary>
    public string Listen { get; init; } = "0.0.0.0:8443";

    /// <summary>Address and port of health and metrics: plain http, on loopback only.</summary>
    public string Management { get; init; } = "127.0.0.1:9443";

    public required LinkOptions Link { get; init; }

    /// <summary>Not there in a service that has none (<see cref="Verbs.ServiceProgram.HasDatabase"/>).</summary>
    public required DatabaseOptions Database { get; init; }

    public RequestLimits Limits { get; init; } = new();

    /// <summary>Where metrics and traces are sent (OTLP over gRPC): <c>http://127.0.0.1:4317</c>. Null: nowhere.</summary>
    public Uri? OtlpEndpoint { get; init; }

    internal IPEndPoint ListenEndPoint => IPEndPoint.Parse(Listen);

    internal IPEndPoint ManagementEndPoint => IPEndPoint.Parse(Management);
}

/// <summary>The service's own link certificate and whom it believes.</summary>
public sealed record LinkOptions
{
    /// <summary>PEM.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>PKCS#8 PEM, encrypted, mode 0600.</summary>
    public required string KeyFile { get; init; }

    /// <summary>Name of the environment variable that holds the key's password. Null: the key is not encrypted; production refuses that.</summary>
    public string? PasswordVariable { get; init; }

    /// <summary>PEM: the certificate of the system CA; during its renewal the old one and the new one.</summary>
    public required string SystemCaFile { get; init; }

    /// <summary>How long a renewal of the files may go unnoticed.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>With fewer days left, readiness is degraded.</summary>
    public int DegradedDays { get; init; } = 14;

    /// <summary>Where the certificate is renewed: <c>https://ca.example:8443/links/renew</c>. Null: by the service itself, or by somebody who puts new files there.</summary>
    public Uri? RenewalUrl { get; init; }

    internal LinkFiles Files() => new(CertificateFile, KeyFile, PasswordVariable is null ? null : Environment.GetEnvironmentVariable(PasswordVariable));
}
