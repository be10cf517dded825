using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>The body of an answer, and where it came from: a device that answers nonsense is not asked again on that connection.</summary>
internal readonly struct Answer(Connection connection, byte[] body)
{
    private const int MaxReasonBytes = 1024;

    /// <returns>May keep slices of the body.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.Protocol"/>.</exception>
    public T Read<T>()
        where T : IMessage<T>
    {
        try
        {
            return Message.Decode<T>(body);
        }
        catch (WireException e)
        {
            throw Malformed($"{typeof(T).Name}: {e.Message}", e);
        }
    }

    /// <returns>The one field of a <see cref="Bytes"/>, copied; the body is zeroed.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.Protocol"/>: also when it has another length.</exception>
    public byte[] ReadBytes(int min, int max)
    {
        try
        {
            ReadOnlyMemory<byte> value = Read<Bytes>().Value;
            return value.Length >= min && value.Length <= max
                ? value.ToArray()
                : throw Malformed($"{value.Length} bytes where {min} to {max} are expected.", null);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
        }
    }

    public HsmKey ReadKey(KeyLabel label)
    {
        KeyDescription description = Read<KeyDescription>();
        try
        {
            HsmKey key = description.ToKey(label);
            Require(HasItsPublicKey(key), $"the public key is none of a {key.Kind} key.");
            return key;
        }
        catch (DerException e)
        {
            throw Malformed(e.Message, e);
        }
    }

    /// <exception cref="HsmException"><see cref="HsmFailure.Protocol"/>: it does not answer what was asked.</exception>
    public void Require(bool met, string what)
    {
        if (!met)
        {
            throw Malformed(what, null);
        }
    }

    private static bool HasItsPublicKey(HsmKey key) => key.Kind switch
    {
        HsmKeyKind.Sm2 or HsmKeyKind.Sm2Decryption => key.PublicKey?.NamedCurve == Oids.Sm2,
        HsmKeyKind.P256 => key.PublicKey?.NamedCurve == Oids.P256,
        _ when key.Kind.IsRsa() => key.PublicKey?.Algorithm.Algorithm == Oids.RsaEncryption,
        _ => key.PublicKey is null,
    };

    private HsmException Malformed(string what, Exception? inner)
    {
        connection.Close("another answer on this connection was malformed", inner);
        return new HsmException(HsmFailure.Protocol, $"An answer of {connection.Address} is malformed: {what}", inner);
    }

    /// <summary>What a frame that is no success says, without characters that would bend a log.</summary>
    public static HsmException Failure(string address, Frame frame)
    {
        ReadOnlySpan<byte> body = frame.Body.Span;
        string text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxReasonBytes)]);
        string reason = string.Concat(text.Select(c => char.GetUnicodeCategory(c)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? ' ' : c));
        var failure = (HsmFailure)frame.Code;
        return Enum.IsDefined(failure)
            ? new HsmException(failure, $"{address}: {reason}")
            : new HsmException(HsmFailure.DeviceError, $"{address}: failure {frame.Code}: {reason}");
    }
}
