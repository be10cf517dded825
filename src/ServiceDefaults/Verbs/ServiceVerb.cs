using System.CommandLine;

namespace ZwCa.ServiceDefaults.Verbs;

/// <summary>A verb of one service's program, or a group of them.</summary>
/// <param name="Command">Its name, description, arguments and options, made for one run of the program; no action.</param>
public sealed record ServiceVerb(Command Command)
{
    /// <summary>Does it, with the service built and not started; gives the exit code. Null: a group.</summary>
    public Func<VerbContext, CancellationToken, Task<int>>? RunAsync { get; init; }

    /// <summary>The verbs of a group.</summary>
    public IReadOnlyList<ServiceVerb> Verbs { get; init; } = [];
}

/// <summary>What a verb gets to work with.</summary>
/// <param name="Parsed">The command line.</param>
/// <param name="Services">Of the service, which does not run.</param>
/// <param name="Output">For results.</param>
/// <param name="Error">For the reasons of exit codes other than 0.</param>
public sealed record VerbContext(ParseResult Parsed, IServiceProvider Services, TextWriter Output, TextWriter Error);
