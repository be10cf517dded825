using ZwCa.Asn1.Gm;

namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>
/// <see cref="Operation.EnvelopeKey"/>: wrapped key, recipient (DER SubjectPublicKeyInfo), label of the signing key (empty: none), and
/// the authorization: 1 and message, index, application (empty: none), approvals; or 2 and statement.
/// </summary>
internal readonly record struct EnvelopeRequest(
    ReadOnlyMemory<byte> WrappedKey, ReadOnlyMemory<byte> Recipient, KeyLabel? Signer, EnvelopeAuthorization Authorization) : IMessage<EnvelopeRequest>
{
    private const byte ByCa = 1;
    private const byte ByRecoveryOfficers = 2;
    private const int MaxRecipientBytes = 256;
    public const int MaxApprovals = 2;

    public static EnvelopeRequest Read(ref WireReader reader)
    {
        ReadOnlyMemory<byte> wrappedKey = reader.ReadBytes(Pairs.MaxWrappedBytes);
        ReadOnlyMemory<byte> recipient = reader.ReadBytes(MaxRecipientBytes);
        string signer = reader.ReadText(KeyLabel.MaxLength);
        if (signer.Length > 0 && !KeyLabel.IsLabel(signer))
        {
            throw new WireException("Not a key label.");
        }

        EnvelopeAuthorization authorization = reader.ReadByte() switch
        {
            ByCa => ReadByCa(ref reader),
            ByRecoveryOfficers => new EnvelopeAuthorization.ByRecoveryOfficers(reader.ReadBytes(Frame.MaxRequestBody)),
            _ => throw new WireException("No such authorization."),
        };
        return new EnvelopeRequest(wrappedKey, recipient, signer.Length > 0 ? new KeyLabel(signer) : null, authorization);
    }

    public void Write(WireWriter writer)
    {
        writer.WriteBytes(WrappedKey.Span);
        writer.WriteBytes(Recipient.Span);
        writer.WriteText(Signer?.Value ?? "");
        switch (Authorization)
        {
            case EnvelopeAuthorization.ByCa byCa:
                writer.WriteByte(ByCa);
                writer.WriteBytes(byCa.Message.Span);
                writer.WriteUInt32((uint)byCa.Index);
                writer.WriteBytes(byCa.Application.GetValueOrDefault().Span);
                writer.WriteUInt32((uint)byCa.Approvals.Count);
                foreach (ReadOnlyMemory<byte> approval in byCa.Approvals)
                {
                    writer.WriteBytes(approval.Span);
                }

                break;
            case EnvelopeAuthorization.ByRecoveryOfficers byOfficers:
                writer.WriteByte(ByRecoveryOfficers);
                writer.WriteBytes(byOfficers.Statement.Span);
                break;
            default:
                throw new ArgumentException("No such authorization.");
        }
    }

    private static EnvelopeAuthorization.ByCa ReadByCa(ref WireReader reader)
    {
        ReadOnlyMemory<byte> message = reader.ReadBytes(Frame.MaxRequestBody);
        int index = reader.ReadCount(int.MaxValue);
        ReadOnlyMemory<byte> application = reader.ReadBytes(Frame.MaxRequestBody);
        var approvals = new ReadOnlyMemory<byte>[reader.ReadCount(MaxApprovals)];
        for (int i = 0; i < approvals.Length; i++)
        {
            approvals[i] = reader.ReadBytes(Frame.MaxRequestBody);
        }

        return new EnvelopeAuthorization.ByCa(message, index)
        {
            Application = application.IsEmpty ? default(ReadOnlyMemory<byte>?) : application,
            Approvals = approvals,
        };
    }
}

/// <summary>The answer: key id (16), public key (65), SM4 key under SM2 (04‖X‖Y‖C3‖C2, 113), encrypted private key (64), signature (r‖s, or empty), bound key.</summary>
internal readonly record struct Envelope(KeyEnvelope Value) : IMessage<Envelope>
{
    private const int PointLength = 65;
    private const int CipherLength = 113;
    private const int EncryptedLength = 64;

    public static Envelope Read(ref WireReader reader)
    {
        ReadOnlyMemory<byte> keyId = reader.ReadExactly(Pairs.KeyIdLength);
        ReadOnlyMemory<byte> publicKey = reader.ReadExactly(PointLength);
        ReadOnlyMemory<byte> cipher = reader.ReadExactly(CipherLength);
        ReadOnlyMemory<byte> encrypted = reader.ReadExactly(EncryptedLength);
        ReadOnlyMemory<byte> signature = reader.ReadBytes(Sm2Signature.RawLength);
        ReadOnlyMemory<byte> boundKey = reader.ReadBytes(Pairs.MaxWrappedBytes);
        if (publicKey.Span[0] != 0x04 || cipher.Span[0] != 0x04 || signature.Length is not (0 or Sm2Signature.RawLength))
        {
            throw new WireException("Not an envelope.");
        }

        return new Envelope(new KeyEnvelope(
            keyId,
            publicKey,
            Sm2Cipher.FromRaw(cipher.Span),
            encrypted,
            signature.IsEmpty ? null : Sm2Signature.FromRaw(signature.Span),
            boundKey));
    }

    public void Write(WireWriter writer)
    {
        writer.WriteExactly(Value.KeyId.Span);
        writer.WriteExactly(Value.PublicKey.Span);
        writer.WriteExactly(Value.Cipher.Raw.Span);
        writer.WriteExactly(Value.EncryptedPrivateKey.Span);
        writer.WriteBytes(Value.ContentSignature is null ? [] : Value.ContentSignature.Raw.Span);
        writer.WriteBytes(Value.BoundKey.Span);
    }
}
