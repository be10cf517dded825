using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Asn1.Custody;

/// <summary>Statements to a device, and keys to sign them with.</summary>
public sealed class CustodySamples : IDerSamples
{
    public static readonly Time NotAfter = new(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero));

    private static readonly byte[] Id = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
    private static readonly byte[] Hash = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static PartitionPolicy Policy { get; } = new(
        Id,
        version: 7,
        [new ClientCredential(Hash, Hash)],
        allowSm2Decrypt: false,
        [new AuthorizingCa("政务CA 签发一", [PublicKey(1), PublicKey(2)]), new AuthorizingCa("政务CA 签发二", [PublicKey(3)])],
        [PublicKey(4)],
        new RecoveryRule(2, [PublicKey(5), PublicKey(6), PublicKey(7)]));

    public static BackupStatement Backup { get; } = new(Id, NotAfter);

    public static RecoveryCase Recovery { get; } = new(Id, "（2026）闽01刑初1号", Hash, Id, PublicKey(8), NotAfter);

    /// <summary>By two.</summary>
    internal static SignedStatement SignedRecovery => Signed(Der.Encode(Recovery), 5, 6);

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(Policy),
        DerSample.Of(new PartitionPolicy(Id, 0, [], true, [], [], null)),
        DerSample.Of(Policy.Clients[0]),
        DerSample.Of(Policy.AuthorizingCas[0]),
        DerSample.Of(Policy.Recovery!),
        DerSample.Of(Backup),
        DerSample.Of(Recovery),
        DerSample.Of(Signed(Der.Encode(Backup), 1, 2)),
        DerSample.Of(StatementSignature.Create(Der.Encode(Backup), PrivateKey(1))),
    ];

    /// <summary>The same key for the same number.</summary>
    internal static Sm2PrivateKey PrivateKey(byte number)
    {
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        d.AsSpan().Fill(number);
        return Sm2PrivateKey.FromBytes(d);
    }

    internal static SubjectPublicKeyInfo PublicKey(byte number)
    {
        using Sm2PrivateKey key = PrivateKey(number);
        return SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }

    internal static StatementSignature Sign(byte[] statement, byte number)
    {
        using Sm2PrivateKey key = PrivateKey(number);
        return StatementSignature.Create(statement, key);
    }

    internal static SignedStatement Signed(byte[] statement, params byte[] numbers) => new(statement, [.. numbers.Select(each => Sign(statement, each))]);
}
