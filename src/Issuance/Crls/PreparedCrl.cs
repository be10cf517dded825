using System.Numerics;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Issuance;

/// <summary>
/// A CRL in a stream that was judged and may be signed, once: what <see cref="CrlIssuer.Prepare"/> gives and <see cref="CrlIssuer.SignAsync"/> takes. Disposed unsigned, or after
/// its signing failed, it leaves nothing in the stream. Does not own the stream.
/// </summary>
public sealed class PreparedCrl : IDisposable
{
    private readonly Stream _output;
    private readonly long _start;
    private readonly UnsignedCrl _unsigned;
    private int _redeemed;
    private bool _kept;

    internal PreparedCrl(Issuer issuer, CrlRequest request, Stream output, long start, UnsignedCrl unsigned, HsmMessage message)
    {
        Issuer = issuer;
        Request = request;
        Message = message;
        _output = output;
        _start = start;
        _unsigned = unsigned;
    }

    public CrlRequest Request { get; }

    public BigInteger Number => Request.Number;

    /// <summary>Bytes of the TBSCertList.</summary>
    public long TbsLength => _unsigned.TbsLength;

    /// <summary>What the device will sign, and nothing else: it belongs into the intention.</summary>
    public ReadOnlyMemory<byte> Digest => Message.GetDigest();

    internal Issuer Issuer { get; }

    internal HsmMessage Message { get; }

    /// <exception cref="InvalidOperationException">Used already.</exception>
    internal void Redeem()
    {
        if (Interlocked.Exchange(ref _redeemed, 1) != 0)
        {
            throw new InvalidOperationException($"The {Request} was signed already, its signing failed, or it was given up: prepare it again.");
        }
    }

    /// <summary>Completes the CRL and reads it back.</summary>
    /// <returns>Its bytes.</returns>
    /// <exception cref="HsmException">The signature does not hold.</exception>
    /// <exception cref="InvalidOperationException">What is in the stream is not what was signed.</exception>
    internal long Complete(ReadOnlyMemory<byte> signature)
    {
        // Of an RSA key a wrong signature gives the private key away (Boneh, DeMillo, Lipton 1997): it does not even reach the disk.
        if (!new SignatureCheck(Issuer.SubjectPublicKeyInfo, Issuer.Algorithm).HoldsDigest(Digest.Span, signature))
        {
            throw new HsmException(HsmFailure.DeviceError, $"The device's signature of the {Request} does not hold. The device is to be looked at.");
        }

        _unsigned.Complete(signature.Span);
        long length = _output.Position - _start;
        CrlReadBack.Require(this, _output, _start, signature.Span);
        _output.Position = _start + length;
        _kept = true;
        return length;
    }

    /// <summary>Cuts the stream back to where it was, unless the CRL is complete.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _redeemed, 1);
        Message.Dispose();
        _unsigned.Dispose();
        if (!_kept)
        {
            // A CRL that is complete but not what was signed must not stay either.
            _output.SetLength(_start);
            _kept = true;
        }
    }
}

/// <summary>A CRL that is in its stream, signed.</summary>
/// <param name="Length">Bytes, from where the stream's position was.</param>
/// <param name="Digest">What the device signed.</param>
public sealed record IssuedCrl(BigInteger Number, Time ThisUpdate, Time NextUpdate, long Length, ReadOnlyMemory<byte> Digest);
