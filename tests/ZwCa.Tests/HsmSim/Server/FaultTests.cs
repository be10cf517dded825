using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Faults that the console asks for.</summary>
public sealed class FaultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutTheKnobs_NoFaultIsSet()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using ConsoleClient console = await device.OpenConsoleAsync();

        HsmException e = await Assert.ThrowsAsync<HsmException>(
            () => console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.FailSigns, 1), Cancellation));

        Assert.Equal(HsmFailure.Refused, e.Failure);
    }

    [Fact]
    public async Task DroppedAnswer_ClosesItsConnectionAlone()
    {
        await using TestDevice device = await TestDevice.StartAsync(faults: true);
        await using ConsoleClient console = await device.OpenConsoleAsync();
        await using RawClient victim = await device.ConnectAsync("ca");
        await using RawClient other = await device.ConnectAsync("kmc");

        await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.DropAnswers, 1), Cancellation);

        await victim.SendAsync(1, Operation.Random, new Number(1));
        Assert.Null(await victim.ReadAsync());
        (await other.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task FailedSignatures_AreCountedAndEnd()
    {
        await using TestDevice device = await TestDevice.StartAsync(faults: true);
        await using ConsoleClient console = await device.OpenConsoleAsync();
        await using RawClient client = await device.ConnectAsync();
        var label = new KeyLabel("k");
        (await client.AskAsync(Operation.GenerateKey, new NewKey(label, HsmKeyKind.P256))).Read<KeyDescription>();
        var sign = new SignRequest(label, SignatureScheme.EcdsaSha256, new byte[32]);

        await console.AskAsync<Fault, Nothing>(Operation.SetFault, new Fault(FaultKind.FailSigns, 2), Cancellation);

        Assert.Equal(HsmFailure.DeviceError, (await client.AskAsync(Operation.Sign, sign)).Failure);
        Assert.Equal(HsmFailure.DeviceError, (await client.AskAsync(Operation.Sign, sign)).Failure);
        Assert.Equal(64, (await client.AskAsync(Operation.Sign, sign)).Read<Bytes>().Value.Length);
    }

    [Fact]
    public async Task KnobsMarkThePartition()
    {
        await using TestDevice device = await TestDevice.StartAsync(faults: true);
        await using ConsoleClient console = await device.OpenConsoleAsync();

        DeviceStatus status = await console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, Cancellation);

        Assert.All(status.Partitions, partition => Assert.Equal(StoreMarks.AutoUnlock | StoreMarks.Faults, partition.Marks));
    }
}
