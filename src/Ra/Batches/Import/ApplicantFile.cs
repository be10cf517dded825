using System.Text;
using CsvHelper;
using ZwCa.Contracts;

namespace ZwCa.Ra.Batches.Import;

/// <summary>A row of an import's file, as it stands there.</summary>
/// <param name="Number">From 1 on, without the heading; the place in the file.</param>
internal sealed record ApplicantRow(int Number, string[] Cells)
{
    public bool IsEmpty => Cells.All(string.IsNullOrWhiteSpace);

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => $"{nameof(ApplicantRow)} {Number}";
}

/// <summary>
/// The file of an import, row after row, a few kilobytes of it in memory: CSV (RFC 4180) as Excel and WPS write it, in UTF-8 or GB18030. What is wrong with the file as such refuses it as a whole: it may
/// be half of one. Not safe for concurrent use.
/// </summary>
internal sealed class ApplicantFile : IDisposable
{
    /// <summary>Characters, as they stand in the file.</summary>
    public const int MaxCell = 1024;

    /// <summary>Of a row: more than any heading has.</summary>
    private const int MaxCells = 64;

    private const int StartLength = 4096;

    /// <summary>Bytes in UTF-8: a row that is longer is refused with the file, before it is all read.</summary>
    private const int MaxRow = 64 * 1024;

    private const int BufferLength = 16 * 1024;

    private readonly CsvReader _reader;

    /// <summary>Read already, after empty ones.</summary>
    private ApplicantRow? _ahead;
    private int _number = -1;
    private int _returned;

    private ApplicantFile(Stream file, Encoding encoding, bool hasMark)
    {
        (Encoding, HasMark) = (encoding, hasMark);
        _reader = CsvReader.Create(
            new PlainText(new StreamReader(file, encoding, detectEncodingFromByteOrderMarks: false, BufferLength)),
            new CsvReaderOptions
            {
                Separator = ',',
                HasHeader = false,
                SkipEmptyLines = false,
                MalformedData = CsvMalformedDataHandling.Throw,
                MaxRecordSize = MaxRow,
                BufferSize = BufferLength,
                IncludeValuesInExceptions = false,
            });
    }

    public Encoding Encoding { get; }

    /// <summary>Whether the file begins with a byte order mark.</summary>
    public bool HasMark { get; }

    public ApplicantColumns Columns { get; private set; } = null!;

    public IReadOnlyList<string> Heading { get; private set; } = [];

    /// <param name="file">Read from where it is; disposed of with this.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: another encoding, or no heading.</exception>
    public static async Task<ApplicantFile> OpenAsync(Stream file, CancellationToken cancellationToken)
    {
        // The heading is Chinese, and what is one of these encodings there, is none of the other.
        var whole = new StartedStream(file, await StartedStream.ReadStartAsync(file, StartLength, cancellationToken));
        (Encoding encoding, int mark) = TextEncodings.Find(whole.Start);
        whole.Skip(mark);
        var opened = new ApplicantFile(whole, encoding, mark > 0);
        try
        {
            string[] heading = await opened.ReadCellsAsync(cancellationToken) ?? throw Refuse("文件没有标题行。");
            opened.Columns = ApplicantColumns.Read(heading);
            opened.Heading = heading;
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <returns>The next row; null: that was all. Empty rows at the end are none.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: what refuses the file as a whole.</exception>
    public async Task<ApplicantRow?> ReadAsync(CancellationToken cancellationToken)
    {
        while (_ahead is null)
        {
            if (await ReadCellsAsync(cancellationToken) is not { } cells)
            {
                return null;
            }

            var row = new ApplicantRow(_number, cells);
            if (!row.IsEmpty)
            {
                Require(_number <= BatchContent.MaxRows, $"文件超过{BatchContent.MaxRows:N0}行，请分成几个批次。");
                _ahead = row;
            }
        }

        _returned++;
        if (_returned < _ahead.Number)
        {
            // An empty one between others has its number, too: so the clerk finds what stands behind it.
            return new ApplicantRow(_returned, []);
        }

        ApplicantRow next = _ahead;
        _ahead = null;
        return next;
    }

    public void Dispose() => _reader.Dispose();

    private static RefusalException Refuse(string detail, Exception? inner = null) => new(Refusal.Malformed, detail, inner: inner);

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw Refuse(detail);
        }
    }

    private async Task<string[]?> ReadCellsAsync(CancellationToken cancellationToken)
    {
        string where = _number < 0 ? "标题行" : $"第{_number + 1}行";

        // Text is decoded some kilobytes ahead of what is read of it.
        string behind = _number < 1 ? "文件开头" : $"第{_number}行之后";
        try
        {
            if (!await _reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            // A row of nothing but commas would take far more room than its text.
            string[] cells = new string[Math.Min(_reader.FieldCount, MaxCells)];
            for (int i = 0; i < cells.Length; i++)
            {
                cells[i] = _reader.GetString(i);
                Require(cells[i].Length <= MaxCell, $"{where}有超过{MaxCell:N0}个字符的单元格。");
            }

            _number++;
            return cells;
        }
        catch (CsvFormatException e)
        {
            // Where a quote is not closed, all that follows is one cell.
            throw Refuse($"{where}的引号不配对，或该行过长：文件不完整，或不是由表格软件保存的CSV。", e);
        }
        catch (ControlCharacterException e)
        {
            throw Refuse($"{behind}有控制字符：文件已损坏，或不是CSV文本。", e);
        }
        catch (DecoderFallbackException e)
        {
            throw Refuse($"{behind}的文字编码有误：应为UTF-8或GB18030，请在表格软件中另存为“CSV UTF-8”。", e);
        }
    }
}
