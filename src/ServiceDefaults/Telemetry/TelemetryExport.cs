using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>
/// Collects the metrics of ASP.NET Core, of the runtime and our own (meters and sources named <c>ZwCa.…</c>), and sends them and traces by OTLP where
/// that is configured.
/// </summary>
internal sealed class TelemetryExport(
    ServiceOptions options, PrometheusExporter prometheus, LinkCertificate link, IMeterFactory meters, TimeProvider time) : IHostedService, IDisposable
{
    private MeterProvider? _metrics;
    private TracerProvider? _traces;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        meters.Create("ZwCa.ServiceDefaults").CreateObservableGauge(
            "zwca.link.left",
            () => Math.Round((link.Current.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime).TotalDays, 2),
            "d",
            "For how long the link certificate is valid.");
        ResourceBuilder resource = ResourceBuilder.CreateEmpty().AddService(options.Name, serviceNamespace: "zwca");
        MeterProviderBuilder metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "ZwCa.*")
            .AddReader(new BaseExportingMetricReader(prometheus));
        if (options.OtlpEndpoint is { } endpoint)
        {
            metrics.AddOtlpExporter(otlp => otlp.Endpoint = endpoint);
            _traces = Sdk.CreateTracerProviderBuilder()
                .SetResourceBuilder(resource)
                .AddSource("Microsoft.AspNetCore", "System.Net.Http", "ZwCa.*")
                .AddProcessor(new SpanCleaner())
                .AddOtlpExporter(otlp => otlp.Endpoint = endpoint)
                .Build();
        }

        _metrics = metrics.Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _metrics?.Dispose();
        _traces?.Dispose();
    }
}
