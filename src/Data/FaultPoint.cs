using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Data;

/// <summary>
/// Where a crash test lets this process die by SIGKILL: environment variable <c>ZWCA_FAULT_POINT</c> holds a name, or <c>name:n</c> for the n-th time it is
/// reached. A service in production refuses to start with that variable.
/// </summary>
public static class FaultPoint
{
    public const string Variable = "ZWCA_FAULT_POINT";

    private static readonly string? Armed;
    private static int _left;

    static FaultPoint()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } setting)
        {
            string[] parts = setting.Split(':');
            Armed = parts[0];
            _left = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 1;
        }
    }

    public static void Reach(string name)
    {
        if (Armed == name && Interlocked.Decrement(ref _left) == 0)
        {
            Process.GetCurrentProcess().Kill();
        }
    }
}
