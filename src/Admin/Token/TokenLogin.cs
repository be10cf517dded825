using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Token;

/// <summary>What a token lends to a client of a service, until it is disposed: nothing of it is written anywhere.</summary>
internal sealed class TokenLogin : IDisposable
{
    private readonly Sm2PrivateKey _key;
    private readonly ECDsa _linkKey;

    private TokenLogin(Sm2PrivateKey key, ECDsa linkKey, MessageSigner signer, X509Certificate2 link)
    {
        _key = key;
        _linkKey = linkKey;
        Signer = signer;
        Link = link;
    }

    public MessageSigner Signer { get; }

    /// <summary>With its key.</summary>
    public X509Certificate2 Link { get; }

    /// <param name="key">Owned from here on.</param>
    /// <param name="linkKey">The caller disposes it.</param>
    public static TokenLogin Create(Sm2PrivateKey key, Certificate officer, TokenKey linkKey, Certificate link)
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportPkcs8PrivateKey(linkKey.Pkcs8.Span, out _);
        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(Der.Encode(link));
        return new TokenLogin(key, ecdsa, new MessageSigner(officer.Tbs.SerialNumber, key), plain.CopyWithPrivateKey(ecdsa));
    }

    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>, <see cref="Refusal.WrongState"/>.</exception>
    public static TokenContainer Require(TokenContainer link) => link switch
    {
        { Kind: not TokenKeyKind.P256 } => throw new RefusalException(Refusal.BadPublicKey, $"容器“{link.Name}”的密钥不是P-256，不能用于链路。"),
        { Certificate: null } => throw new RefusalException(Refusal.WrongState, $"容器“{link.Name}”还没有链路证书。请先用 zwca token import 导入。"),
        _ => link,
    };

    public void Dispose()
    {
        Link.Dispose();
        _linkKey.Dispose();
        _key.Dispose();
    }
}
