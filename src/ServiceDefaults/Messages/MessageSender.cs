using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// Who may send signed messages: an officer, an RA, a CA. A service derives from it what its endpoints want to know of the sender besides.
/// </summary>
public record MessageSender
{
    /// <summary>Of the certificate.</summary>
    public required SerialNumber SerialNumber { get; init; }

    /// <summary>Of the certificate. Where it is kept from request to request, <see cref="Sm2PublicKey.Prepare"/> doubles the speed.</summary>
    public required Sm2PublicKey PublicKey { get; init; }

    /// <summary>Name of the registered client whose link the message must come over: a stolen message is no use on another's.</summary>
    public required string LinkName { get; init; }

    /// <summary>What that client is registered as: an RA may have any name, an officer's too.</summary>
    public required ClientKind LinkKind { get; init; }
}

/// <summary>
/// Finds who a certificate serial number belongs to, asked for every request, retries too, so that disabling works at once. Null: nobody. May throw
/// <see cref="Contracts.RefusalException"/>, for example NotAllowed for an officer who is disabled.
/// </summary>
public delegate Task<MessageSender?> FindMessageSender(SerialNumber serialNumber, CancellationToken cancellationToken);
