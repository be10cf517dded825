using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class FaultKnobsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void WithoutFaults_NothingCanBeSet(int kind)
    {
        int deaths = 0;
        var knobs = new FaultKnobs(enabled: false, () => deaths++);
        Assert.Throws<InvalidOperationException>(() => knobs.Set(new Fault((FaultKind)kind, (int)FaultPoint.BeforeAnswer)));
        knobs.At(FaultPoint.BeforeAnswer);
        Assert.Equal((0, false, false, TimeSpan.Zero), (deaths, knobs.TakeFailSign(), knobs.TakeDropAnswer(), knobs.AnswerDelay));
    }

    [Fact]
    public async Task Counters_AreTakenAsOftenAsTheySay()
    {
        var knobs = new FaultKnobs(enabled: true);
        knobs.Set(new Fault(FaultKind.FailSigns, 1000));
        knobs.Set(new Fault(FaultKind.DropAnswers, 2));
        bool[][] taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            Task.Run(() => Enumerable.Range(0, 400).Select(_ => knobs.TakeFailSign()).ToArray(), TestContext.Current.CancellationToken)));
        Assert.Equal(1000, taken.Sum(each => each.Count(t => t)));
        Assert.Equal([true, true, false], [knobs.TakeDropAnswer(), knobs.TakeDropAnswer(), knobs.TakeDropAnswer()]);
        knobs.Set(new Fault(FaultKind.DelayAnswers, 250));
        Assert.Equal(TimeSpan.FromMilliseconds(250), knobs.AnswerDelay);
    }

    [Fact]
    public void DeathAtAPoint_IsAtThatPointOnly()
    {
        int deaths = 0;
        var knobs = new FaultKnobs(enabled: true, () => deaths++);
        knobs.Set(new Fault(FaultKind.DieAt, (int)FaultPoint.BeforeFlush));
        foreach (FaultPoint point in Enum.GetValues<FaultPoint>().Where(p => p != FaultPoint.BeforeFlush))
        {
            knobs.At(point);
        }

        Assert.Equal(0, deaths);
        knobs.At(FaultPoint.BeforeFlush);
        Assert.Equal(1, deaths);
    }
}
