namespace ZwCa.Admin.Demo;

/// <summary>What the command line asks of a demo.</summary>
internal sealed record DemoOptions
{
    /// <summary>Everything lies in it.</summary>
    public required DirectoryInfo Folder { get; init; }

    /// <summary>Ends when it has shown all; otherwise it keeps serving until Ctrl-C.</summary>
    public bool Once { get; init; }

    /// <summary>Applicants of the sample file who are in order.</summary>
    public int Count { get; init; } = 200;

    /// <summary>The result as JSON on standard output, all else on standard error.</summary>
    public bool Json { get; init; }

    /// <summary>Deletes what an earlier demo left in the folder.</summary>
    public bool Reset { get; init; }

    /// <summary>The services listen on this port of loopback and those after it. Null: on free ones.</summary>
    public int? Port { get; init; }

    /// <summary>Certification requests of other tools, PEM or DER.</summary>
    public IReadOnlyList<FileInfo> Csrs { get; init; } = [];
}

/// <summary>The demo cannot go on; the message says why.</summary>
internal sealed class DemoException(string message) : Exception(message);
