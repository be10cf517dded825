using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>A sender: the serial number of its certificate and the SM2 key that the certificate is for. Safe for concurrent use.</summary>
public sealed class MessageSigner
{
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, Task<byte[]>> _sign;

    /// <summary>The key is in a device: a service's.</summary>
    /// <exception cref="ArgumentException">It does not sign with SM2.</exception>
    public MessageSigner(SerialNumber sender, HsmSigner signer)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(signer);
        if (signer.AlgorithmIdentifier != AlgorithmIdentifier.Sm3WithSm2)
        {
            throw new ArgumentException("Messages are signed with SM2.", nameof(signer));
        }

        Sender = sender;
        _sign = signer.SignAsync;
    }

    /// <summary>The key is in hand: an officer's software token.</summary>
    /// <param name="key">The caller's, who disposes it after this.</param>
    public MessageSigner(SerialNumber sender, Sm2PrivateKey key)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(key);
        Sender = sender;
        _sign = (message, _) =>
        {
            Span<byte> signature = stackalloc byte[Sm2.SignatureSizeInBytes];
            key.Sign(message.Span, signature);
            return Task.FromResult(Der.Encode(Sm2Signature.FromRaw(signature)));
        };
    }

    public SerialNumber Sender { get; }

    /// <returns>DER of the SM2Signature over the message's lines.</returns>
    /// <exception cref="ArgumentException">Another sender's message.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public Task<byte[]> SignAsync(SignedMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.Sender == Sender
            ? _sign(message.Bytes, cancellationToken)
            : throw new ArgumentException("The message names another sender.", nameof(message));
    }
}
