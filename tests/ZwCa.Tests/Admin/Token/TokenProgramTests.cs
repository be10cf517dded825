using System.Diagnostics;
using ZwCa.Admin.Token;
using ZwCa.Contracts;

namespace ZwCa.Tests.Admin.Token;

/// <summary>The program itself: its exit codes, and what is left when it is killed.</summary>
public sealed class TokenProgramTests
{
    private const string NewPin = "another-pin-2";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ExitCodes_AndOneLineOnTheErrorOutput()
    {
        using var desk = TestToken.Stocked();

        Assert.Equal((0, true), await RunAsync("list", "--token", desk.Folder));
        Assert.Equal((1, false), await RunAsync("list", "--token", desk.File("none")));
        Assert.Equal((1, false), await RunAsync("csr", "--token", desk.Folder, "--container", "签名", "--subject", "CN=a"));
        Assert.Equal(2, (await RunAsync("list")).ExitCode);
        Assert.Equal(2, (await RunAsync("sign", "--token", desk.Folder, "--out", "x")).ExitCode);
    }

    /// <summary>At any moment of a change of PIN: the old one or the new one opens everything.</summary>
    [Fact]
    public async Task KilledWhileItChangesThePin_TheTokenOpensWithOneOfTheTwo()
    {
        var random = new TestRandom();
        using var desk = TestToken.Stocked();
        (string current, string next) = (TestToken.Pin, NewPin);
        for (int i = 0; i < (TestRandom.Long ? 100 : 5); i++)
        {
            using (Process process = Start((TokenDesk.PinVariable, current), (TokenDesk.NewPinVariable, next), "pin", "--token", desk.Folder))
            {
                await Task.Delay(random.Next(100, 900), Cancelled);
                process.Kill();
                await process.WaitForExitAsync(Cancelled);
            }

            var token = SoftwareToken.Open(desk.Folder, desk.Clock);
            if (!Opens(token, current))
            {
                (current, next) = (next, current);
                Assert.True(Opens(token, current));
            }

            using UnlockedToken unlocked = token.Unlock(current);
            Assert.All(token.ContainerNames, name => unlocked.Sign(name, "x"u8));
        }
    }

    private static bool Opens(SoftwareToken token, string pin)
    {
        try
        {
            token.Unlock(pin).Dispose();
            return true;
        }
        catch (RefusalException e) when (e.Kind == Refusal.NotAllowed)
        {
            return false;
        }
    }

    /// <returns>Exit code, and whether the error output is empty; where it is not after a refusal, it is one line.</returns>
    private static async Task<(int ExitCode, bool Silent)> RunAsync(params string[] arguments)
    {
        using Process process = Start((TokenDesk.PinVariable, ""), (TokenDesk.NewPinVariable, ""), arguments);
        Task<string> error = process.StandardError.ReadToEndAsync(Cancelled);
        await process.StandardOutput.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        Assert.True(process.ExitCode != 1 || (await error).Count(each => each == '\n') == 1, await error);
        return (process.ExitCode, (await error).Length == 0);
    }

    private static Process Start((string Name, string Value) first, (string Name, string Value) second, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "zwca.dll"), "token", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[first.Name] = first.Value;
        start.Environment[second.Name] = second.Value;
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }
}
