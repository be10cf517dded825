using ZwCa.HsmSim.Server;

namespace ZwCa.Tests.HsmSim.Server;

public sealed class DeviceLogTests
{
    [Theory]
    [InlineData("ca\n2026-01-01T00:00:00.000Z #1 ca: open")]
    [InlineData("ca\r\u001b[2Kx")]
    [InlineData("ca\u2028x\u2029y\u0085z")]
    [InlineData("ca\u202e\u2066\u200b\ufeff")]
    public void NamesThatAPeerChose_MakeNoLineAndNoCommand(string name)
    {
        var output = new StringWriter();

        new DeviceLog(output, TimeProvider.System).Write("#7", name);

        string line = output.ToString().TrimEnd('\n', '\r');
        Assert.DoesNotMatch(@"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]", line);
        Assert.Contains(" #7 ca ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void LogThatCannotBeWritten_EndsNothing_AndSaysLaterWhatIsMissing()
    {
        var output = new FullDisk();
        var log = new DeviceLog(output, TimeProvider.System);
        log.Write("one");
        output.IsFull = true;
        log.Write("two");
        log.Write("three");
        output.IsFull = false;
        log.Write("four");

        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Contains("2 lines are missing", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("four", lines[2].TrimEnd(), StringComparison.Ordinal);
    }

    private sealed class FullDisk : StringWriter
    {
        public bool IsFull { get; set; }

        public override void WriteLine(string? value)
        {
            if (IsFull)
            {
                throw new IOException("No space left on device");
            }

            base.WriteLine(value);
        }
    }
}
