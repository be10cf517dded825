using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ZwCa.Benchmarks;

/// <summary>What wrk measured.</summary>
/// <param name="Rate">Requests a second.</param>
/// <param name="Median">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
internal sealed record WrkResult(double Rate, double Median, double P99);

/// <summary>The load generator wrk on a core of its own: one thread, 64 connections that stay open, the requests of a file one after the other.</summary>
internal sealed partial class Wrk(string folder)
{
    /// <summary>Where the load runs; what is measured runs on core 0.</summary>
    public const string Core = "1";

    private const string Script = """
        local paths, bodies = {}, {}
        local method, list = "METHOD", io.open("LIST", "rb")
        for line in list:lines() do
          if method == "GET" then paths[#paths + 1] = line
          else bodies[#bodies + 1] = (line:gsub("..", function(x) return string.char(tonumber(x, 16)) end)) end
        end
        local at, made = 0, {}
        init = function()
          for i = 1, math.max(#paths, #bodies) do
            if method == "GET" then made[i] = wrk.format("GET", paths[i])
            else made[i] = wrk.format("POST", "/", {["Content-Type"] = "application/ocsp-request"}, bodies[i]) end
          end
        end
        request = function() at = at % #made + 1 return made[at] end
        done = function(summary) if summary.errors.status > 0 then print("WRONG STATUS " .. summary.errors.status) end end
        """;

    public static bool IsThere => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(each => File.Exists(Path.Combine(each, "wrk")));

    /// <param name="requests">Of GET paths, of POST bodies in hexadecimal.</param>
    /// <exception cref="InvalidOperationException">It failed, or an answer had another status than 200.</exception>
    public WrkResult Run(Uri url, string method, IReadOnlyList<string> requests, TimeSpan time)
    {
        string list = Path.Combine(folder, $"{method}.list"), script = Path.Combine(folder, $"{method}.lua");
        File.WriteAllText(list, string.Join('\n', requests) + "\n", Encoding.ASCII);
        File.WriteAllText(script, Script.Replace("METHOD", method, StringComparison.Ordinal).Replace("LIST", list, StringComparison.Ordinal));
        var start = new ProcessStartInfo(
            "taskset", ["-c", Core, "wrk", "-t1", "-c64", string.Create(CultureInfo.InvariantCulture, $"-d{time.TotalSeconds:0}s"), "--latency", "-s", script, url.GetLeftPart(UriPartial.Authority)])
        {
            RedirectStandardOutput = true,
        };
        using Process wrk = Process.Start(start)!;
        string text = wrk.StandardOutput.ReadToEnd();
        wrk.WaitForExit();
        return wrk.ExitCode == 0 && !text.Contains("WRONG STATUS", StringComparison.Ordinal) && !text.Contains("Socket errors", StringComparison.Ordinal)
            ? new WrkResult(Number(Rate().Match(text)), Milliseconds(Percentile50().Match(text)), Milliseconds(Percentile99().Match(text)))
            : throw new InvalidOperationException($"wrk: {text}");
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static double Milliseconds(Match match) => Number(match) * match.Groups[2].Value switch
    {
        "us" => 0.001,
        "ms" => 1,
        _ => 1000,
    };

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Percentile50();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Percentile99();
}
