using System.Globalization;

namespace ZwCa.HsmSim.Server;

/// <summary>One line per entry: time (UTC), connection, what. Never a secret; names that a peer chose are made harmless.</summary>
internal sealed class DeviceLog(TextWriter output, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _lost;

    public void Write(string what) => Write("device", what);

    /// <param name="where">Which connection.</param>
    public void Write(string where, string what)
    {
        string at = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        string line = $"{at} {where} {OneLine(what)}";
        lock (_gate)
        {
            try
            {
                if (_lost > 0)
                {
                    output.WriteLine($"{at} device {_lost} lines are missing here: they could not be written");
                }

                output.WriteLine(line);
                output.Flush();
                _lost = 0;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A full disk: nobody can be told now, and no reason to keep the keys from those who need them.
                _lost++;
            }
        }
    }

    /// <summary>The detail of what must not happen, with the place where it did.</summary>
    public void Write(string where, string what, Exception e) =>
        Write(where, $"{what}: {e.GetType().Name}: {e.Message} {e.StackTrace}");

    private static string OneLine(string text) => string.Concat(text.Select(c => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? ' ' : c));
}
