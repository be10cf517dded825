using System.Diagnostics;
using Microsoft.Data.Sqlite;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>SIGKILL in the middle of grouped writes.</summary>
public sealed class GroupCommitCrashTests
{
    private const string FolderVariable = "ZWCA_TEST_CRASH_FOLDER";
    private const int KilledBySignal = 137;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>By itself a story with a good end; with the variable set it is what the test below kills.</summary>
    [Fact]
    public async Task EveryWriterIsAnswered()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { } given)
        {
            await GroupedWriters.WriteAsync(given, int.MaxValue);
            return;
        }

        using var folder = new TemporaryFolder();
        await GroupedWriters.PrepareAsync(folder.Path);
        await GroupedWriters.WriteAsync(folder.Path, 10);
        Assert.Equal(10 * SqliteWriter.MaxGroup, await GroupedWriters.CheckAsync(folder.Path));
        SqliteConnection.ClearAllPools();
    }

    [Fact]
    public async Task ProcessKilled_EveryAnsweredWriteIsThereAndNoHalf()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        Assert.Null(Environment.GetEnvironmentVariable(FolderVariable));
        using var folder = new TemporaryFolder();
        await GroupedWriters.PrepareAsync(folder.Path);
        long before = 0;
        for (int death = 0; death < (TestRandom.Long ? 200 : 20); death++)
        {
            string? point = (death % 3) switch
            {
                0 => null,
                1 => $"{SqliteWriter.BeforeCommit}:{_random.Next(1, 40)}",
                _ => $"{SqliteWriter.AfterCommit}:{_random.Next(1, 40)}",
            };
            await DieAsync(folder.Path, point);
            long there = await GroupedWriters.CheckAsync(folder.Path);
            SqliteConnection.ClearAllPools();

            // Before its first commit there is nothing new.
            Assert.True(there > before || (point == $"{SqliteWriter.BeforeCommit}:1" && there == before), $"death {death} at {point ?? "random"}: {before} then {there}");
            before = there;
        }
    }

    private async Task DieAsync(string folder, string? faultPoint)
    {
        string program = Environment.ProcessPath!;
        string[] method = ["-method", $"{typeof(GroupCommitCrashTests).FullName}.{nameof(EveryWriterIsAnswered)}"];
        bool muxer = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, muxer ? [typeof(GroupCommitCrashTests).Assembly.Location, .. method] : method) { RedirectStandardOutput = true };
        start.Environment[FolderVariable] = folder;
        start.Environment[FaultPoint.Variable] = faultPoint ?? "";
        long answered = File.Exists(GroupedWriters.AnswersOf(folder)) ? new FileInfo(GroupedWriters.AnswersOf(folder)).Length : 0;
        using Process child = Process.Start(start)!;
        Task<string> said = child.StandardOutput.ReadToEndAsync(Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        try
        {
            if (faultPoint is null)
            {
                while (!child.HasExited && (!File.Exists(GroupedWriters.AnswersOf(folder)) || new FileInfo(GroupedWriters.AnswersOf(folder)).Length == answered))
                {
                    await Task.Delay(5, patience.Token);
                }

                await Task.Delay(_random.Next(100), patience.Token);
                child.Kill();
            }

            await child.WaitForExitAsync(patience.Token);
        }
        finally
        {
            child.Kill();
        }

        Assert.True(child.ExitCode == KilledBySignal, $"{faultPoint}: {child.ExitCode}\n{await said}");
    }
}
