using ZwCa.HsmSim.Server;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Who is let in, who waits, and that nothing is lost on the way.</summary>
public sealed class InFlightBytesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatDoesNotFit_WaitsForItsTurn()
    {
        var bytes = new InFlightBytes(10);
        await bytes.TakeAsync(6, Token);
        Task second = bytes.TakeAsync(5, Token).AsTask();
        Task third = bytes.TakeAsync(1, Token).AsTask();

        // It would fit, and came later.
        Assert.False(second.IsCompleted);
        Assert.False(third.IsCompleted);
        Assert.Equal(6, bytes.Taken);

        bytes.Return(6);
        await second;
        await third;
        Assert.Equal(6, bytes.Taken);
    }

    [Fact]
    public async Task MoreThanTheWholeLimit_IsLetInAlone()
    {
        var bytes = new InFlightBytes(10);
        await bytes.TakeAsync(1, Token);
        Task large = bytes.TakeAsync(100, Token).AsTask();
        Assert.False(large.IsCompleted);

        bytes.Return(1);
        await large;
        Assert.False(bytes.TakeAsync(1, Token).IsCompleted);
    }

    [Fact]
    public async Task WhoGivesUp_TakesNothing_AndKeepsNobodyWaiting()
    {
        using var cancel = new CancellationTokenSource();
        var bytes = new InFlightBytes(10);
        await bytes.TakeAsync(6, Token);
        Task large = bytes.TakeAsync(10, cancel.Token).AsTask();
        Task small = bytes.TakeAsync(2, Token).AsTask();
        Assert.False(small.IsCompleted);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        bytes.Return(8);
        Assert.Equal(0, bytes.Taken);
    }
}
