using System.Text;
using ZwCa.Hsm.Pkcs11;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Interop.Hsm;

/// <summary>Somebody else who uses the token: makes, reads and destroys objects past the driver.</summary>
internal sealed class RawSession : IDisposable
{
    private static readonly byte[] P384 = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

    private readonly Pkcs11Module _module;
    private readonly nuint _session;

    public RawSession(SoftHsm softHsm, string token)
    {
        _module = softHsm.Module;
        _session = _module.OpenSession(softHsm.Tokens.Single(t => t.Label == token).Slot);
        _module.Login(_session, Encoding.UTF8.GetBytes(SoftHsm.Pin));
    }

    public nuint[] Find(params ReadOnlySpan<(nuint Type, byte[] Value)> attributes)
    {
        using var template = new Template(attributes);
        return _module.FindObjects(_session, template, most: 16);
    }

    public byte[]? Get(nuint key, nuint attribute) => _module.GetAttribute(_session, key, attribute);

    /// <param name="isToken">Not gone with the session.</param>
    /// <param name="isPrivate">Not to be used without the PIN.</param>
    public void MakeP256(string label, bool extractable, bool isToken = true, bool isPrivate = true) =>
        Make(label, extractable, PublicKeyAttributes.P256Parameters, isToken, isPrivate);

    public void MakeP384(string label) => Make(label, extractable: false, P384);

    public void DestroyAll(string label, nuint? objectClass = null)
    {
        byte[] name = Encoding.ASCII.GetBytes(label);
        nuint[] found = objectClass is { } only ? Find((CKA_LABEL, name), (CKA_CLASS, Template.Value(only))) : Find((CKA_LABEL, name));
        Assert.NotEmpty(found);
        foreach (nuint handle in found)
        {
            _module.DestroyObject(_session, handle);
        }
    }

    public void Dispose() => _module.CloseSession(_session);

    private void Make(string label, bool extractable, byte[] curve, bool isToken = true, bool isPrivate = true)
    {
        byte[] name = Encoding.ASCII.GetBytes(label);
        using var publicKey = new Template((CKA_TOKEN, Template.Value(true)), (CKA_LABEL, name), (CKA_EC_PARAMS, curve));
        using var privateKey = new Template(
            (CKA_TOKEN, Template.Value(isToken)),
            (CKA_PRIVATE, Template.Value(isPrivate)),
            (CKA_LABEL, name),
            (CKA_SENSITIVE, Template.Value(true)),
            (CKA_EXTRACTABLE, Template.Value(extractable)),
            (CKA_SIGN, Template.Value(true)));
        _module.GenerateKeyPair(_session, CKM_EC_KEY_PAIR_GEN, publicKey, privateKey);
    }
}
