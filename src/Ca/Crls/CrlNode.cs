using System.Security.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>This process among those that make CRLs: what it is known by, and where its unfinished files are.</summary>
internal sealed class CrlNode : IDisposable
{
    /// <summary>After a CRL that was refused or could not be made.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(1);

    private readonly CrlOptions _options;
    private readonly string _holder = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly Lazy<DirectoryInfo> _folder;

    public CrlNode(CrlOptions options)
    {
        _options = options;

        // What a process left behind that has died is of no use to anybody, and of another process it is not ours.
        _folder = new Lazy<DirectoryInfo>(() => options.WorkFolder is { } parent
            ? Directory.CreateDirectory(Path.Combine(parent, $"crl-{_holder}"))
            : Directory.CreateTempSubdirectory("zwca-crl-"));
    }

    /// <summary>For files that nobody else sees.</summary>
    public string WorkFolder => _folder.Value.FullName;

    public Lease LeaseOf(CrlScope scope) => new(scope.LeaseName, _holder, _options.LeaseFor);

    public void Dispose()
    {
        if (_folder.IsValueCreated)
        {
            _folder.Value.Delete(recursive: true);
        }
    }
}
