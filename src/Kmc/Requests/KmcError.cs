using ZwCa.Asn1.Gm.KeyManagement;

namespace ZwCa.Kmc.Requests;

/// <summary>errNo of an ErrorPkgRespond: GM/T 0014 leaves the numbers to each KM. They never change their meaning; docs/KMC.md lists them.</summary>
internal enum KmcError
{
    /// <summary>Not an SM2 key, or another envelope than of SM2, SM4 and SM3.</summary>
    UnsupportedAlgorithm = 1,

    /// <summary>The serial number has a key already.</summary>
    SerialUsed = 2,

    /// <summary>No key of this CA belongs to the serial number.</summary>
    NotFound = 3,

    /// <summary>The key is in history: it takes a recovery.</summary>
    Ended = 4,

    /// <summary>Another recipient than the one that the key is for, or one that has signed for it: it takes a recovery. Or the approvals of the one that there was have ended.</summary>
    NotApproved = 5,

    /// <summary>The recipient is no SM2 key.</summary>
    BadRecipient = 6,

    /// <summary>A field of the application has an encoding that is not taken.</summary>
    BadField = 7,

    /// <summary>
    /// The device refuses the key: it does not know the CA, or was restored since the key was made, or takes the application that would bind it no more. One that was applied for is given up, and
    /// the serial number gets no other; at a restoration the key stays as it is.
    /// </summary>
    DeviceRefused = 8,

    /// <summary>An earlier request of the same message is about the serial number.</summary>
    Repeated = 9,
}

/// <summary>One request of a message is refused, for good.</summary>
/// <param name="detail">For the CA's operator, in Chinese.</param>
internal sealed class RequestRefusedException(KmcError error, string detail) : Exception(detail)
{
    public KmcError Error { get; } = error;

    public ErrorPkgRespond ToRespond() => new((int)Error, Message);
}
