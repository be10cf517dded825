using System.Collections.Frozen;
using System.Reflection;

namespace ZwCa.Issuance;

/// <summary>
/// Profiles by name, one of each: those that come with the program and those that a deployment adds. What is in use, and which versions were, is kept with its hash in the CA's
/// database. Unchangeable; safe for concurrent use.
/// </summary>
public sealed class ProfileCatalogue
{
    private const string Suffix = ".json";

    private readonly FrozenDictionary<string, Profile> _profiles;

    private ProfileCatalogue(IEnumerable<Profile> profiles)
    {
        _profiles = profiles.ToFrozenDictionary(profile => profile.Name);
        All = [.. _profiles.Values.OrderBy(profile => profile.Name, StringComparer.Ordinal)];
    }

    /// <summary>Those of docs/PROFILES.md.</summary>
    public static ProfileCatalogue Shipped { get; } = new(ReadShipped());

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<Profile> All { get; }

    /// <exception cref="ProfileException">There is none.</exception>
    public Profile this[string name] => Find(name) ?? throw new ProfileException($"There is no profile \"{name}\".");

    /// <returns>Null: there is none.</returns>
    public Profile? Find(string name) => _profiles.GetValueOrDefault(name);

    /// <summary>The very profile that somebody means: a profile of the name with another content is another profile.</summary>
    /// <param name="hash"><see cref="Profile.Hash"/>.</param>
    /// <returns>Null: there is none.</returns>
    public Profile? Find(string name, ReadOnlySpan<byte> hash) => Find(name) is { } profile && profile.Hash.Span.SequenceEqual(hash) ? profile : null;

    /// <summary>The shipped profiles and those of a folder, one in each <c>NAME.json</c>.</summary>
    /// <exception cref="ProfileException">
    /// A file holds no profile, or one of another name; or a profile has the name of a shipped one, which would mean two things by one name. The message names the file.
    /// </exception>
    /// <exception cref="IOException">The folder or a file cannot be read.</exception>
    public static ProfileCatalogue Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var profiles = new List<Profile>(Shipped.All);
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            if (Shipped.Find(name) is not null)
            {
                throw new ProfileException($"{file}: \"{name}\" is a profile that is shipped; give this one another name.");
            }

            if (new FileInfo(file).Length > Profile.MaxLength)
            {
                throw new ProfileException($"{file}: a profile has at most {Profile.MaxLength} bytes.");
            }

            profiles.Add(Parse(name, File.ReadAllBytes(file), file));
        }

        return new ProfileCatalogue(profiles);
    }

    private static IEnumerable<Profile> ReadShipped()
    {
        Assembly assembly = typeof(ProfileCatalogue).Assembly;
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(Suffix, StringComparison.Ordinal)))
        {
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            byte[] json = new byte[stream.Length];
            stream.ReadExactly(json);
            yield return Parse(resource[..^Suffix.Length], json, resource);
        }
    }

    private static Profile Parse(string name, byte[] json, string file)
    {
        try
        {
            var profile = Profile.Parse(json);
            return profile.Name == name ? profile : throw new ProfileException($"the profile's name is \"{profile.Name}\", which the file's has to be too.");
        }
        catch (ProfileException e)
        {
            throw new ProfileException($"{file}: {e.Message}", e);
        }
    }
}
