using System.Globalization;
using System.Text;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// Wrong PINs are counted in a file beside the key. A courtesy to whoever leaves a terminal open for a minute: who can copy the folder tries as often as he
/// likes. So a file that is missing or damaged means that none was counted.
/// </summary>
internal sealed class PinAttempts(string folder, TimeProvider time)
{
    public const int Max = 6;

    public static readonly TimeSpan Delay = TimeSpan.FromMinutes(10);

    private readonly string _path = Path.Combine(folder, "attempts");

    /// <summary>Counts an attempt before it is made, so that ending the program at the right moment gains none.</summary>
    /// <returns>How many are left after this one.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.TooManyRequests"/>.</exception>
    public int Begin()
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        (int failed, long last) = Read();
        if (failed >= Max)
        {
            // A clock that was set back must not lock the token for longer.
            TimeSpan wait = Delay - TimeSpan.FromMilliseconds(Math.Max(0, now - last));
            if (wait > TimeSpan.Zero)
            {
                throw new RefusalException(
                    Refusal.TooManyRequests,
                    $"PIN连续错误{Max}次，请在{Math.Ceiling(wait.TotalMinutes)}分钟后再试。（软件令牌的次数限制只是提醒，无法强制：文件可以被复制。）",
                    wait);
            }

            failed = 0;
        }

        TokenFiles.Replace(_path, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{failed + 1} {now}\n")));
        return Max - failed - 1;
    }

    /// <summary>The PIN was right.</summary>
    public void Clear() => File.Delete(_path);

    /// <returns>Wrong PINs in a row, and when the last was tried, Unix milliseconds.</returns>
    private (int Failed, long Last) Read()
    {
        string[] words = File.Exists(_path) ? Encoding.ASCII.GetString(TokenFiles.Read(_path)).Split() : [];
        return words is [string failed, string last, ..]
            && int.TryParse(failed, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out long at)
            ? (Math.Min(count, Max), at)
            : (0, 0);
    }
}
