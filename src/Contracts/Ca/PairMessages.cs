namespace ZwCa.Contracts.Ca;

/// <summary>
/// The two certificates of a subscriber as a CA shows them: <c>POST /pairs</c>, <c>GET /pairs/{id}</c>, <c>POST /pairs/{id}/recovery</c>. The encryption key is in it until the receipt; bytes are
/// base64 in JSON.
/// </summary>
public sealed record PairAnswer
{
    /// <summary>32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required CertificateAnswer Signing { get; init; }

    public required CertificateAnswer Encryption { get; init; }

    /// <summary>DER each: the issuing CA's certificate, then those above it that the CA has.</summary>
    public required IReadOnlyList<byte[]> Chain { get; init; }

    /// <summary>Serial number by which the key management centre knows the encryption key: what an application for its recovery names.</summary>
    public required string KeySerial { get; init; }

    /// <summary>kept (the subscriber has the key already), waiting (for the receipt), delivered, refused.</summary>
    public required string Delivery { get; init; }

    /// <summary>32 hexadecimal digits: what the receipt names as its pair. Null: kept.</summary>
    public string? DeliveryId { get; init; }

    /// <summary>Serial number of the signing certificate to whose key the envelope is: after a recovery another pair's. Null: kept.</summary>
    public string? Recipient { get; init; }

    /// <summary>DER of SM2EnvelopedKey (GM/T 0009-2023 §7.4): the encryption key. Null: not waiting, or one of the certificates is not valid.</summary>
    public byte[]? Envelope { get; init; }

    /// <summary>ENVELOPEDKEYBLOB (GM/T 0016), 388 bytes, where it was asked for.</summary>
    public byte[]? EnvelopedKeyBlob { get; init; }

    /// <summary>DER of CSRResponse (GM/T 0092-2020 §8), where it was asked for.</summary>
    public byte[]? CsrResponse { get; init; }
}

/// <summary>What a subscriber's token says of an envelope: <c>POST /pairs/{id}/receipt</c>.</summary>
public sealed record PairReceipt
{
    /// <summary>DER of SignedReceipt.</summary>
    public required byte[] Receipt { get; init; }
}
