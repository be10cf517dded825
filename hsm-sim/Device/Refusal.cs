using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>How the device says no: every reason names what is wrong, and none holds a secret.</summary>
internal static class Refusal
{
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>, where the condition does not hold.</exception>
    public static void Unless(bool condition, string reason)
    {
        if (!condition)
        {
            throw Because(reason);
        }
    }

    public static HsmException Because(string reason, Exception? inner = null) => new(HsmFailure.Refused, reason, inner);

    /// <summary>Reads what somebody presents as a proof.</summary>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: not such a thing.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> bytes, string what)
        where T : IDer<T> =>
        Read(() => Der.Decode<T>(bytes), what);

    /// <inheritdoc cref="Read{T}(ReadOnlyMemory{byte}, string)"/>
    public static T Read<T>(Func<T> read, string what)
    {
        try
        {
            return read();
        }
        catch (DerException e)
        {
            throw Because($"{what} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// Reads an SM2 key in the one form that counts here: id-ecPublicKey with the curve's identifier and 04‖X‖Y on the curve. One key in two forms could be
    /// counted as two.
    /// </summary>
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: another form, or off the curve.</exception>
    public static Sm2PublicKey ReadSm2(SubjectPublicKeyInfo spki, string what) =>
        spki.PublicKey.Length == Sm2.PublicKeySizeInBytes && spki.TryGetSm2Key(out Sm2PublicKey? key)
            ? key
            : throw Because($"{what} is not an SM2 key 04, X, Y on the curve.");
}
