using Microsoft.AspNetCore.Builder;

namespace ZwCa.Tests.Ra;

/// <summary>Another node of an RA, where the same officers work.</summary>
internal sealed class RaNode : RaCounter, IAsyncDisposable
{
    private readonly RaStage _stage;

    public RaNode(RaStage stage, WebApplication app, Uri address, string systemCa)
        : base(stage.Time)
    {
        _stage = stage;
        App = app;
        CityReviewer = stage.CityReviewer;
        Open(address, systemCa);
    }

    public WebApplication App { get; }

    public override StageOfficer City => _stage.City;

    public override StageOfficer Province => _stage.Province;

    public override string Log => _stage.Log;

    public async ValueTask DisposeAsync()
    {
        Dispose();
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
    }
}
