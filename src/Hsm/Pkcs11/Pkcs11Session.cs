using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>A session, logged in. One thread at a time; its calls block.</summary>
internal sealed class Pkcs11Session(Pkcs11Module module, nuint handle, string token)
{
    private const int IdLength = 16;

    /// <summary>What a key may do and how it is kept. A key without these is not one that this driver makes.</summary>
    private static readonly (nuint Attribute, bool Value, string Name)[] Kept =
    [
        (CKA_SENSITIVE, true, "CKA_SENSITIVE"), (CKA_EXTRACTABLE, false, "CKA_EXTRACTABLE"),

        // Not gone with somebody's session, and not to be used without the PIN.
        (CKA_TOKEN, true, "CKA_TOKEN"), (CKA_PRIVATE, true, "CKA_PRIVATE"),
    ];

    private static readonly (nuint Attribute, bool Value, string Name)[] Made =
    [
        .. Kept,
        (CKA_LOCAL, true, "CKA_LOCAL"), (CKA_ALWAYS_SENSITIVE, true, "CKA_ALWAYS_SENSITIVE"), (CKA_NEVER_EXTRACTABLE, true, "CKA_NEVER_EXTRACTABLE"),
        (CKA_SIGN, true, "CKA_SIGN"), (CKA_DECRYPT, false, "CKA_DECRYPT"), (CKA_UNWRAP, false, "CKA_UNWRAP"),
    ];

    private readonly Dictionary<KeyLabel, (nuint Handle, HsmKey Key)> _keys = [];

    public nuint Handle => handle;

    /// <summary>The library gave the same handle again: ours was closed by somebody else, and closing it would close the new one.</summary>
    public bool IsReplaced { get; set; }

    /// <returns>Null where no private key has the label.</returns>
    /// <exception cref="HsmException">Several have it, or it is none that this driver would make.</exception>
    public HsmKey? Find(KeyLabel label) => FindHandle(label)?.Key;

    /// <param name="key">As it was found or made: another key under its label is not taken for it.</param>
    /// <param name="data">As the mechanism wants it.</param>
    public byte[] Sign(HsmKey key, SigningMechanism mechanism, byte[] data, int length)
    {
        if (!_keys.TryGetValue(key.Label, out (nuint Handle, HsmKey Key) found))
        {
            found = FindHandle(key.Label) ?? throw Failure(HsmFailure.KeyNotFound, $"has no key {key.Label}.");
            _keys.Add(key.Label, found);
        }

        if (found.Key.PublicKey != key.PublicKey)
        {
            throw Failure(HsmFailure.KeyNotFound, $"has another key under the label {key.Label} now.");
        }

        return module.Sign(handle, found.Handle, mechanism.Mechanism, mechanism.Parameter, data, length);
    }

    public byte[] Random(int count) => module.GenerateRandom(handle, count);

    /// <exception cref="HsmException">
    /// <see cref="HsmFailure.KeyExists"/>; <see cref="HsmFailure.Refused"/>: the key is not as it should be, and was destroyed again;
    /// <see cref="HsmFailure.NoAnswer"/>: the device went away meanwhile.
    /// </exception>
    public HsmKey Generate(KeyLabel label, HsmKeyKind kind)
    {
        // Step 1: PKCS#11 lets many objects have one label. A lone public key with it is in the way too: it would be taken for the new key's.
        byte[] labelBytes = Template.Value(label);
        if (Search(most: 1, (CKA_LABEL, labelBytes)) is not [])
        {
            throw Exists(label);
        }

        // Step 2: the pair, with a random CKA_ID that ties its halves together.
        byte[] id = RandomNumberGenerator.GetBytes(IdLength);
        (nuint publicHandle, nuint privateHandle) = MakePair(labelBytes, id, kind);

        // Step 3: nobody else made one at the same time in another process; the device keeps it as asked; its public key can be had.
        try
        {
            if (Search(most: 2, (CKA_CLASS, Template.Value(CKO_PRIVATE_KEY)), (CKA_LABEL, labelBytes)).Length > 1)
            {
                throw Exists(label);
            }

            RequireAttributes(privateHandle, label, Made);
            HsmKey key = Read(privateHandle, label);
            return key.Kind == kind ? key : throw Failure(HsmFailure.DeviceError, $"made a {key.Kind} key where {kind} was asked for.");
        }
        catch (HsmException e)
        {
            CkResult[] results = [module.DestroyObject(handle, privateHandle), module.DestroyObject(handle, publicHandle)];
            CkResult failed = Array.Find(results, result => result != CkResult.CKR_OK);
            if (failed == CkResult.CKR_OK)
            {
                throw;
            }

            throw new HsmException(e.Failure, $"{e.Message} The pair could not be destroyed again ({failed.Name()}): somebody has to.", e);
        }
        catch (CkException e)
        {
            // It is made and was not looked at; finding it will.
            throw Failure(HsmFailure.NoAnswer, $"failed when it had made the key {label}: {e.Message}", e);
        }
    }

    private (nuint PublicKey, nuint PrivateKey) MakePair(byte[] label, byte[] id, HsmKeyKind kind)
    {
        using var publicKey = new Template(
        [
            .. kind.IsRsa()
                ? new[] { (CKA_MODULUS_BITS, Template.Value((nuint)kind.RsaBits())), (CKA_PUBLIC_EXPONENT, PublicKeyAttributes.PublicExponent) }
                : [(CKA_EC_PARAMS, PublicKeyAttributes.P256Parameters)],
            (CKA_TOKEN, Template.Value(true)),
            (CKA_LABEL, label),
            (CKA_ID, id),
            (CKA_VERIFY, Template.Value(true)),
            (CKA_ENCRYPT, Template.Value(false)),
            (CKA_WRAP, Template.Value(false)),
            (CKA_VERIFY_RECOVER, Template.Value(false)),
        ]);
        using var privateKey = new Template(
            (CKA_TOKEN, Template.Value(true)),
            (CKA_PRIVATE, Template.Value(true)),
            (CKA_LABEL, label),
            (CKA_ID, id),
            (CKA_SENSITIVE, Template.Value(true)),
            (CKA_EXTRACTABLE, Template.Value(false)),
            (CKA_MODIFIABLE, Template.Value(false)),
            (CKA_SIGN, Template.Value(true)),
            (CKA_DECRYPT, Template.Value(false)),
            (CKA_UNWRAP, Template.Value(false)),
            (CKA_SIGN_RECOVER, Template.Value(false)),
            (CKA_DERIVE, Template.Value(false)));
        try
        {
            return module.GenerateKeyPair(handle, kind.IsRsa() ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, publicKey, privateKey);
        }
        catch (CkException e) when (e.Result.IsDeviceAway() || e.Result is CkResult.CKR_DEVICE_ERROR or CkResult.CKR_SESSION_CLOSED)
        {
            // It may have been made: not to be tried again as other losses are.
            throw Failure(HsmFailure.NoAnswer, $"went away while it made a key: {e.Message}", e);
        }
    }

    private (nuint Handle, HsmKey Key)? FindHandle(KeyLabel label)
    {
        nuint[] found = Search(most: 2, (CKA_CLASS, Template.Value(CKO_PRIVATE_KEY)), (CKA_LABEL, Template.Value(label)));
        switch (found)
        {
            case []:
                return null;
            case [nuint privateHandle]:
                RequireAttributes(privateHandle, label, Kept);
                return (privateHandle, Read(privateHandle, label));
            default:
                throw Failure(HsmFailure.DeviceError, $"has more than one private key with the label {label}: which is meant, nobody can tell.");
        }
    }

    /// <summary>The public half is an object of its own with the same CKA_ID; only RSA private keys carry it themselves, and not on every device.</summary>
    private HsmKey Read(nuint privateHandle, KeyLabel label)
    {
        byte[] id = module.GetAttribute(handle, privateHandle, CKA_ID) ?? [];
        nuint publicHandle = Search(most: 2, (CKA_CLASS, Template.Value(CKO_PUBLIC_KEY)), (CKA_LABEL, Template.Value(label)), (CKA_ID, id)) switch
        {
            [nuint one] => one,
            [] => throw Failure(HsmFailure.KeyNotFound, $"has a private key {label} and no public key with its label and CKA_ID {Convert.ToHexString(id)}."),
            _ => throw Failure(HsmFailure.DeviceError, $"has more than one public key with the label {label} and CKA_ID {Convert.ToHexString(id)}."),
        };

        byte[] type = Attribute(publicHandle, label, CKA_KEY_TYPE, "CKA_KEY_TYPE");
        (HsmKeyKind Kind, SubjectPublicKeyInfo PublicKey)? key = null;
        if (type.AsSpan().SequenceEqual(Template.Value(CKK_RSA)))
        {
            key = PublicKeyAttributes.Rsa(
                Attribute(publicHandle, label, CKA_MODULUS, "CKA_MODULUS"), Attribute(publicHandle, label, CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT"));
        }
        else if (type.AsSpan().SequenceEqual(Template.Value(CKK_EC)))
        {
            key = PublicKeyAttributes.Ec(
                Attribute(publicHandle, label, CKA_EC_PARAMS, "CKA_EC_PARAMS"), Attribute(publicHandle, label, CKA_EC_POINT, "CKA_EC_POINT"));
        }

        return key is { } known
            ? new HsmKey(label, known.Kind, known.PublicKey)
            : throw Failure(HsmFailure.WrongKeyKind, $"has a key {label} that is neither RSA of 2048, 3072 or 4096 bits nor P-256.");
    }

    private byte[] Attribute(nuint objectHandle, KeyLabel label, nuint type, string name) =>
        module.GetAttribute(handle, objectHandle, type) is { Length: > 0 } value
            ? value
            : throw Failure(HsmFailure.DeviceError, $"does not tell {name} of the key {label}.");

    private void RequireAttributes(nuint objectHandle, KeyLabel label, (nuint Attribute, bool Value, string Name)[] required)
    {
        string[] wrong =
        [
            .. required
                .Where(r => module.GetAttribute(handle, objectHandle, r.Attribute) is not [byte actual] || actual != 0 != r.Value)
                .Select(r => $"{r.Name} is not {(r.Value ? "true" : "false")}"),
        ];
        if (wrong.Length > 0)
        {
            throw Failure(HsmFailure.Refused, $"does not keep the key {label} as it must be kept: {string.Join(", ", wrong)}.");
        }
    }

    private nuint[] Search(int most, params ReadOnlySpan<(nuint Type, byte[] Value)> attributes)
    {
        using var template = new Template(attributes);
        return module.FindObjects(handle, template, most);
    }

    private HsmException Exists(KeyLabel label) => Failure(HsmFailure.KeyExists, $"has an object with the label {label} already.");

    private HsmException Failure(HsmFailure failure, string what, Exception? inner = null) => new(failure, $"The token {token} {what}", inner);
}
