using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ZwCa.Data;

/// <summary>The tables of one library or service: its embedded files <c>NNNN_what.sql</c>, numbered from 1 without a gap. A landed file never changes.</summary>
public sealed partial class MigrationSet
{
    /// <param name="module">Short name, lower case.</param>
    /// <param name="folder">Of the assembly's resources, where it has several sets: <c>folder/NNNN_what.sql</c>. Null: those without a folder.</param>
    /// <exception cref="ArgumentException">The assembly has no such files, or their numbers have a gap.</exception>
    public MigrationSet(string module, Assembly assembly, string? folder = null)
        : this(module, Load(assembly, folder is null ? "" : folder + "/"))
    {
    }

    internal MigrationSet(string module, IEnumerable<(string Name, string Text)> files)
    {
        ArgumentException.ThrowIfNullOrEmpty(module);
        Module = module;
        Migrations = [.. files.OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => Read(file.Name, file.Text))];
        if (Migrations.Count == 0 || Migrations.Select((migration, i) => migration.Version != i + 1).Any(gap => gap))
        {
            throw new ArgumentException($"{module} has no migrations numbered from 1 without a gap.", nameof(files));
        }
    }

    /// <summary>Of this library: what every service has.</summary>
    public static MigrationSet Data { get; } = new("data", typeof(MigrationSet).Assembly);

    public string Module { get; }

    /// <summary>Whether it is left out of SQLite files: tables that somebody else writes to, beside the one writer that such a file has.</summary>
    public bool OnServersOnly { get; init; }

    internal IReadOnlyList<Migration> Migrations { get; }

    [GeneratedRegex(@"^[0-9]{4}_[a-z0-9_]+\.sql$", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();

    private static IEnumerable<(string Name, string Text)> Load(Assembly assembly, string prefix)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && FileName().IsMatch(name[prefix.Length..])))
        {
            string name = resource[prefix.Length..];
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            yield return (name, reader.ReadToEnd());
        }
    }

    private static Migration Read(string name, string file)
    {
        // As it would be after a checkout with other line endings.
        string text = file.ReplaceLineEndings("\n");
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return new Migration(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, text, digest);
    }
}

/// <param name="Text">Statements, each ending with a semicolon at the end of a line, with the tokens of <see cref="Dialect.Ddl"/>.</param>
/// <param name="Digest">SHA-256 of the text, hexadecimal.</param>
internal sealed record Migration(int Version, string Name, string Text, string Digest);
