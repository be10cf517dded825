using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa;

/// <summary>A CA whose KSRequests a device obeys once its policy names it. Linked into the test projects that need envelopes.</summary>
internal sealed class RegisteredCa : IDisposable
{
    private const string CaName = "测试CA";

    private readonly Sm2PrivateKey _key = Sm2PrivateKey.Generate();
    private readonly EntName _name;
    private long _taskNumber;

    public RegisteredCa() => _name = new EntName(
        AlgorithmIdentifier.Sm3,
        new DirectoryName(Name.Create((Oids.CommonName, CaName))),
        Sm3.HashData(Der.Encode(PublicKey)),
        SerialNumber.FromBytes([1]));

    private SubjectPublicKeyInfo PublicKey => SubjectPublicKeyInfo.ForSm2(_key.PublicKey.ToBytes());

    public static SerialNumber NextSerialNumber() => SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]);

    /// <summary>For <see cref="HsmSimStore.InstallPolicyAsync"/>.</summary>
    public PartitionPolicy Register(PartitionPolicy policy) => new(
        policy.Partition, policy.Version, policy.Clients, policy.AllowSm2Decrypt, [new AuthorizingCa(CaName, [PublicKey])], policy.OfficerIssuers, policy.Recovery);

    /// <summary>An ApplyKeyReq of now.</summary>
    public EnvelopeAuthorization Apply(SerialNumber serialNumber, SubjectPublicKeyInfo recipient)
    {
        Time now = Time.Truncate(DateTimeOffset.UtcNow);
        var request = ApplyKeyReq.Sm2(new AppUserInfo(serialNumber, recipient, now, new Time(now.Value.AddYears(1))));
        byte[] ksRequest = Der.Encode(new KsRequest(_name, [request], now, new TaskNumber(Interlocked.Increment(ref _taskNumber))));
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        _key.Sign(ksRequest, signature);
        return new EnvelopeAuthorization.ByCa(
            Der.Encode(CaRequest.Assemble(ksRequest, AlgorithmIdentifier.Sm3WithSm2, Der.Encode(Sm2Signature.FromRaw(signature)))));
    }

    public void Dispose() => _key.Dispose();
}
