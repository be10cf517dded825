using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Import;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ca.Verbs;

/// <summary><c>import</c>: takes into the records what a ceremony issued with the keys of this CA. Before the first start, and after each later ceremony.</summary>
internal static class ImportVerb
{
    /// <summary>A new one for each run of the program.</summary>
    public static ServiceVerb Import
    {
        get
        {
            var folder = new Argument<DirectoryInfo>("folder") { Description = "The ceremony's output, verified." };
            return new ServiceVerb(new Command("import", "Takes a ceremony's certificates and CRL numbers into the records. Run again, it changes nothing.") { folder })
            {
                RunAsync = (context, cancellation) => ImportAsync(context, context.Parsed.GetRequiredValue(folder).FullName, cancellation),
            };
        }
    }

    private static async Task<int> ImportAsync(VerbContext context, string folder, CancellationToken cancellationToken)
    {
        ImportCeremony.Result result;
        try
        {
            result = await ActivatorUtilities.CreateInstance<ImportCeremony>(context.Services).RunAsync(folder, cancellationToken);
        }
        catch (ImportException e)
        {
            await context.Error.WriteLineAsync(e.Message);
            return 1;
        }

        await context.Output.WriteLineAsync($"{result.Certificates} certificates taken into the records, {result.Known} were there");
        await context.Output.WriteLineAsync(result.Profiles.Count == 0 ? "no profile became active" : $"active from now on: {string.Join(", ", result.Profiles)}");
        return 0;
    }
}
