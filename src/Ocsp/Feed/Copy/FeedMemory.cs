using System.Globalization;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// What a node remembers of the feed apart from the copy: the farthest that it ever heard of, below which nobody leads it back, and the farthest that it has answered from. A file of three
/// lines; it is written before what it says is acted upon.
/// </summary>
internal sealed class FeedMemory
{
    private readonly string _path;

    /// <param name="path">Not there: nothing was heard of yet.</param>
    /// <exception cref="FeedRefusedException">The file is damaged. It is to be put right by hand: without it, old statuses could be taken for new ones.</exception>
    public FeedMemory(string path)
    {
        _path = path;
        if (!File.Exists(path))
        {
            return;
        }

        string[] lines = File.ReadAllLines(path);
        if (lines.Length != 3
            || !long.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || lines[1].Length != 2 * FeedPoint.None.Link.Length || lines[1].Any(each => !char.IsAsciiHexDigitLower(each) && !char.IsAsciiDigit(each))
            || !long.TryParse(lines[2], NumberStyles.None, CultureInfo.InvariantCulture, out long answered))
        {
            throw new FeedRefusedException($"{path} is damaged: it has three lines, a number, SM3 and a number.");
        }

        Heard = new FeedPoint(number, Convert.FromHexString(lines[1]));
        Answered = answered;
    }

    /// <summary>The farthest segment that it has heard of.</summary>
    public FeedPoint Heard { get; private set; } = FeedPoint.None;

    /// <summary>Number of the segment up to which it has answered. A copy that ends before is not answered from.</summary>
    public long Answered { get; private set; }

    /// <summary>Returns when it is on the disk. Neither ever becomes less.</summary>
    public void Remember(FeedPoint heard, long answered)
    {
        if (heard.Number <= Heard.Number && answered <= Answered)
        {
            return;
        }

        FeedPoint farthest = heard.Number > Heard.Number ? heard : Heard;
        long most = Math.Max(answered, Answered);
        string text = string.Create(CultureInfo.InvariantCulture, $"{farthest.Number}\n{Convert.ToHexStringLower(farthest.Link.Span)}\n{most}\n");
        CopyFolder.Write(_path, System.Text.Encoding.ASCII.GetBytes(text));
        (Heard, Answered) = (farthest, most);
    }
}
