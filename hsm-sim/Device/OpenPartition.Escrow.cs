using System.Collections.Concurrent;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <content>Subscribers' keys: made in batches, opened one by one and only as an authorization says.</content>
internal sealed partial class OpenPartition
{
    private const int PairsPerChunk = 32;

    /// <summary>Makes SM2 pairs; nothing of them stays here.</summary>
    public Pairs GenerateWrappedPairs(PairsRequest request)
    {
        EscrowKek kek = Find<EscrowKek>(request.Kek);
        if (request.Count is < 1 or > PairsRequest.MaxPairs)
        {
            throw BadInput($"1 to {PairsRequest.MaxPairs} pairs are made at a time, not {request.Count}.");
        }

        ReadOnlyMemory<byte> epochId;
        lock (_store.Gate)
        {
            epochId = _store.State.EpochId;
        }

        var pairs = new WrappedKeyPair[request.Count];
        if (request.Count <= PairsPerChunk)
        {
            MakePairs(0, request.Count);
        }
        else
        {
            Parallel.ForEach(Partitioner.Create(0, request.Count, PairsPerChunk), chunk => MakePairs(chunk.Item1, chunk.Item2));
        }

        return new Pairs(pairs);

        void MakePairs(int from, int to)
        {
            Span<byte> d = stackalloc byte[Sm2.ScalarSizeInBytes];
            try
            {
                for (int i = from; i < to; i++)
                {
                    using Sm2PrivateKey key = Sm2PrivateKey.Generate();
                    key.ExportBytes(d);
                    byte[] keyId = RandomNumberGenerator.GetBytes(StoreRecord.IdLength);
                    byte[] publicKey = key.PublicKey.ToBytes();
                    byte[] wrapped = EscrowedKey.Wrap(kek, _id.Span, keyId, epochId.Span, publicKey, binding: null, d);
                    pairs[i] = new WrappedKeyPair(keyId, SubjectPublicKeyInfo.ForSm2(publicKey), wrapped);
                }
            }
            finally
            {
                CryptographicOperations.ZeroMemory(d);
            }
        }
    }

    /// <summary>
    /// The only operation that opens a subscriber's private key, and it opens it towards one recipient's public key. Whoever calls holds the client's
    /// credential, which proves nothing here: what counts is signed by a CA, by officers or by recovery officers whom m of n holders named in the policy.
    /// </summary>
    public async Task<Envelope> EnvelopeKeyAsync(EnvelopeRequest request)
    {
        PolicyInForce policy = _policy;
        DateTimeOffset now = _time.GetUtcNow();

        // Step 1: the wrapped key is one that this partition made, and says of itself what was said when it was wrapped.
        EscrowedKey key;
        try
        {
            key = EscrowedKey.Decode(request.WrappedKey);
        }
        catch (WireException e)
        {
            throw BadInput($"Not a wrapped key: {e.Message}", e);
        }

        Refusal.Unless(key.Partition.Span.SequenceEqual(_id.Span), "The wrapped key is of another partition.");
        EscrowKek kek = Find<EscrowKek>(key.Kek);
        if (!key.IsGenuine(kek))
        {
            throw BadInput($"The key {kek.Label} did not wrap that, or it was changed.");
        }

        // Step 2: the recipient is an SM2 key, in the one form whose hash is compared.
        SubjectPublicKeyInfo recipient = Refusal.Read<SubjectPublicKeyInfo>(request.Recipient, "The recipient's key");
        Sm2PublicKey recipientKey = Refusal.ReadSm2(recipient, "The recipient's key");
        byte[] recipientHash = Sm3.HashData(Der.Encode(recipient));

        // Step 3: the authorization holds by itself, and names this recipient, and, once the key is bound, the CA and serial number that it is bound to.
        KeyBinding binding;
        bool mayBind;
        switch (request.Authorization)
        {
            case EnvelopeAuthorization.ByCa byCa:
                CaAuthorization asked = CaAuthorization.Verify(policy, byCa, recipient, now);
                mayBind = asked.IsApply;
                if (key.Binding is null)
                {
                    binding = new KeyBinding(asked.CaName, asked.SerialNumber.Content.ToArray(), recipientHash);
                    break;
                }

                binding = key.Binding;
                Refusal.Unless(string.Equals(binding.CaName, asked.CaName, StringComparison.Ordinal), "The key is bound to another CA.");
                Refusal.Unless(binding.SerialNumber.Span.SequenceEqual(asked.SerialNumber.Content), "The key is bound to another serial number.");
                if (!binding.HasRecipient(recipientHash))
                {
                    // Recovery by the user: the CA alone must not be able to have a key sent to whomever it likes.
                    Refusal.Unless(!asked.IsApply, "The key is bound to another recipient: to a new one it is restored, not applied for.");
                    OfficerApprovals.Verify(policy, byCa, asked, recipient, now);
                }

                break;
            case EnvelopeAuthorization.ByRecoveryOfficers byOfficers:
                mayBind = false;
                binding = key.Binding ?? throw Refusal.Because("The key is bound to nobody: there is nothing to recover.");
                RecoveryOrder.Verify(policy, byOfficers, key, recipient, now);
                break;
            default:
                throw Refusal.Because("There is no authorization.");
        }

        // Step 4: the key that shall sign the content is there.
        Sm2SigningKey? signer = request.Signer is null ? null : Find<Sm2SigningKey>(request.Signer);
        if (signer is not null)
        {
            ThrowIfSignaturesFail();
        }

        // Step 5: an unbound key is bound by its first envelope. Its unbound copy is spent from then on and opens only for the same CA, serial number and
        // recipient, whose bound copy may have been lost on its way. Only an ApplyKeyReq binds: what was never bound cannot be restored.
        string? refusal = null;
        long position;
        lock (_store.Gate)
        {
            position = _store.Position;
            if (key.Binding is null)
            {
                byte[] bindingHash = binding.Hash();
                if (!_store.State.EpochId.Span.SequenceEqual(key.EpochId.Span))
                {
                    refusal = "The unbound key is of an older epoch, whose spent keys are not known any more: the pool must be refilled.";
                }
                else if (_store.State.FindBinding(key.KeyId.Span) is { } spent)
                {
                    refusal = spent.Span.SequenceEqual(bindingHash) ? null : "The key is spent: it is bound to another CA, serial number or recipient.";
                }
                else if (!mayBind)
                {
                    refusal = "The key was never bound: it is applied for, not restored.";
                }
                else
                {
                    position = _store.Append(new StoreRecord.KeyBound(key.KeyId.ToArray(), bindingHash));
                }
            }

            if (refusal is null && signer is not null)
            {
                position = CountSignatures(signer, 1);
            }
        }

        // Step 6: nothing leaves, not even a refusal, before what it rests on is on stable storage.
        await WaitDurableAsync(position);
        Refusal.Unless(refusal is null, refusal!);

        // Step 7: only now is the private key unwrapped.
        return new Envelope(SealTo(recipientKey, key, kek, binding, signer));
    }

    private KeyEnvelope SealTo(Sm2PublicKey recipient, EscrowedKey key, EscrowKek kek, KeyBinding binding, Sm2SigningKey? signer)
    {
        Span<byte> content = stackalloc byte[2 * Sm2.ScalarSizeInBytes];
        Span<byte> contentKey = stackalloc byte[Sm4.KeySizeInBytes];
        Span<byte> d = content[Sm2.ScalarSizeInBytes..];
        content.Clear();
        try
        {
            if (!key.TryUnwrap(kek, d) || !IsPrivateKeyOf(d, key.PublicKey.Span))
            {
                throw new HsmException(HsmFailure.DeviceError, "The wrapped private key is not that of its public key.");
            }

            RandomNumberGenerator.Fill(contentKey);
            Sm2Cipher cipher = Sm2Cipher.FromRaw(recipient.Encrypt(contentKey));
            byte[] encrypted;
            using (var sm4 = new Sm4(contentKey))
            {
                encrypted = sm4.EncryptEcb(content, PaddingMode.None);
            }

            Sm2Signature? signature = null;
            if (signer is not null)
            {
                Span<byte> raw = stackalloc byte[Sm2.SignatureSizeInBytes];
                signer.SignMessage(d, raw);
                signature = Sm2Signature.FromRaw(raw);
            }

            ReadOnlyMemory<byte> bound = key.Binding is null
                ? EscrowedKey.Wrap(kek, _id.Span, key.KeyId.Span, key.EpochId.Span, key.PublicKey.Span, binding, d)
                : key.Bytes;
            return new KeyEnvelope(key.KeyId, key.PublicKey, cipher, encrypted, signature, bound);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static bool IsPrivateKeyOf(ReadOnlySpan<byte> d, ReadOnlySpan<byte> publicKey)
    {
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(d);
        return publicKey.SequenceEqual(key.PublicKey.ToBytes());
    }
}
