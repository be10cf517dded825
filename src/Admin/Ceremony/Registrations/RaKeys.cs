using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// An RA's keys, and the requests for which officers order its two certificates. What is there already is taken up, so that the same command goes on after an interruption and makes nothing twice.
/// </summary>
internal static class RaKeys
{
    /// <param name="say">Told of each key.</param>
    /// <exception cref="CeremonyException">A key of another kind has a label of this RA, or a file beside the papers is of another key.</exception>
    /// <exception cref="HsmException">The device is away, locked or full.</exception>
    public static async Task RequestAsync(RaPapers papers, IHsm device, string? linkPassword, Action<string> say, CancellationToken cancellationToken)
    {
        // Step 1: what can be wrong here, before there is a key.
        string password = LinkKeys.RequirePassword(linkPassword);

        // Step 2: in the device. The index key has no successor: with another nobody is found again.
        HsmKey message = await MakeAsync(device, papers.MessageKey, HsmKeyKind.Sm2, say, cancellationToken);
        await MakeAsync(device, papers.LogKey, HsmKeyKind.Sm2, say, cancellationToken);
        await MakeAsync(device, papers.PersonIndexKey, HsmKeyKind.HmacSm3, say, cancellationToken);
        await MakeAsync(device, papers.DataKek, HsmKeyKind.DataKek, say, cancellationToken);

        // Step 3: of the message key. Names in a request count for nothing: the officers' order has them.
        if (papers.FindRequest(RaPapers.MessageRequestFile) is not { } messageRequest)
        {
            var signer = new HsmSigner(device, message);
            byte[] info = Der.Encode(new CertificationRequestInfo(Name.Create(), signer.SubjectPublicKeyInfo, []));
            Write(papers, RaPapers.MessageRequestFile, CertificationRequest.Assemble(info, signer.AlgorithmIdentifier, await signer.SignAsync(info, cancellationToken)));
        }
        else if (messageRequest.Info.SubjectPublicKeyInfo != message.PublicKey)
        {
            throw new CeremonyException($"{papers.PathOf(RaPapers.MessageRequestFile)} is of another key than {papers.MessageKey} of the device. Move it and {RaPapers.MessageFile} away, and run the same command again.");
        }

        // Step 4: of the link, whose key is in a file: first the key, then what needs it.
        using ECDsa link = OpenLink(papers, password);
        if (papers.FindRequest(RaPapers.LinkRequestFile) is not { } linkRequest)
        {
            byte[] request = new CertificateRequest(new X500DistinguishedName(Der.Encode(Name.Create())), link, HashAlgorithmName.SHA256).CreateSigningRequest();
            Write(papers, RaPapers.LinkRequestFile, Der.Decode<CertificationRequest>(request));
        }
        else if (!Der.Encode(linkRequest.Info.SubjectPublicKeyInfo).AsSpan().SequenceEqual(link.ExportSubjectPublicKeyInfo()))
        {
            throw new CeremonyException($"{papers.PathOf(RaPapers.LinkRequestFile)} is of another key than {RaPapers.LinkKeyFile}. Move both and {RaPapers.LinkFile} away, and run the same command again.");
        }
    }

    private static async Task<HsmKey> MakeAsync(IHsm device, string label, HsmKeyKind kind, Action<string> say, CancellationToken cancellationToken)
    {
        HsmKey? found = await device.FindKeyAsync(new KeyLabel(label), cancellationToken);
        HsmKey key = found ?? await device.GenerateKeyAsync(new KeyLabel(label), kind, cancellationToken);
        if (key.Kind != kind)
        {
            throw new CeremonyException($"The device has a key {label} of kind {key.Kind}, and {kind} is needed: it is not this RA's. Take another partition, or another name for the RA.");
        }

        if (key.PublicKey is { } publicKey)
        {
            KeyQuality.Require(publicKey);
        }

        say($"Key {label}: {kind}{(found is null ? "" : ", which was there already")}{(key.PublicKey is null ? "" : $", SM3 {CeremonyState.Fingerprint(key.PublicKey)}")}");
        return key;
    }

    private static ECDsa OpenLink(RaPapers papers, string password)
    {
        if (!File.Exists(papers.PathOf(RaPapers.LinkKeyFile)))
        {
            var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            papers.WriteNew(RaPapers.LinkKeyFile, LinkKeys.Encrypt(made, password));
            return made;
        }

        var key = ECDsa.Create();
        try
        {
            key.ImportFromEncryptedPem(Encoding.ASCII.GetString(papers.Content(RaPapers.LinkKeyFile)), password);
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new CeremonyException($"{papers.PathOf(RaPapers.LinkKeyFile)} does not open with the password in {CeremonyRun.LinkPasswordVariable}. Set the one with which it was made.", e);
        }
    }

    private static void Write(RaPapers papers, string file, CertificationRequest request) =>
        papers.WriteNew(file, Encoding.ASCII.GetBytes(Pem.Encode(Pem.CertificateRequest, Der.Encode(request))));
}
