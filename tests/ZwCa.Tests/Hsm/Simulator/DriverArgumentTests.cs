using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>What can be known to be wrong before asking is not asked.</summary>
public sealed class DriverArgumentTests
{
    private static readonly byte[] Digest = new byte[32];
    private static readonly EnvelopeAuthorization.ByCa ByCa = new(new byte[40]);
    private static readonly SubjectPublicKeyInfo P256 = SubjectPublicKeyInfo.ForP256(WireSamples.Point);

    private static readonly Dictionary<string, Func<IHsm, Task>> Wrong = new()
    {
        ["kind of key"] = h => h.GenerateKeyAsync(WireSamples.Label, (HsmKeyKind)77),
        ["scheme of another kind"] = h => h.SignAsync(Key(HsmKeyKind.P256), SignatureScheme.Sm2, Digest),
        ["decryption key signs"] = h => h.SignAsync(Key(HsmKeyKind.Sm2Decryption), SignatureScheme.Sm2, Digest),
        ["no such scheme"] = h => h.SignAsync(Key(HsmKeyKind.Rsa2048), (SignatureScheme)99, Digest),
        ["digest too short"] = h => h.SignAsync(Key(HsmKeyKind.Sm2), SignatureScheme.Sm2, new byte[31]),
        ["digest too long"] = h => h.SignAsync(Key(HsmKeyKind.Rsa2048), SignatureScheme.RsaPssSha256, new byte[48]),
        ["half a digest more"] = h => h.SignManyAsync(Key(HsmKeyKind.Sm2), SignatureScheme.Sm2, new byte[48]),
        ["no random bytes"] = h => h.GetRandomAsync(0),
        ["too many random bytes"] = h => h.GetRandomAsync(65_537),
        ["HMAC with a signing key"] = h => h.ComputeHmacAsync(Key(HsmKeyKind.Sm2), Digest),
        ["HMAC over too much"] = h => h.ComputeHmacAsync(Key(HsmKeyKind.HmacSm3), new byte[65_537]),
        ["empty data key"] = h => h.WrapKeyAsync(Key(HsmKeyKind.DataKek), default, default),
        ["data key too long"] = h => h.WrapKeyAsync(Key(HsmKeyKind.DataKek), new byte[65], default),
        ["context too long"] = h => h.WrapKeyAsync(Key(HsmKeyKind.DataKek), new byte[16], new byte[257]),
        ["escrow key wraps data keys"] = h => h.WrapKeyAsync(Key(HsmKeyKind.EscrowKek), new byte[16], default),
        ["escrow key unwraps"] = h => h.UnwrapKeyAsync(Key(HsmKeyKind.EscrowKek), new byte[60], default),
        ["wrapped key too long"] = h => h.UnwrapKeyAsync(Key(HsmKeyKind.DataKek), new byte[257], default),
        ["ciphertext without text"] = h => h.DecryptAsync(Key(HsmKeyKind.Sm2Decryption), new byte[97]),
        ["ciphertext too long"] = h => h.DecryptAsync(Key(HsmKeyKind.Sm2Decryption), new byte[65_634]),
        ["signing key decrypts"] = h => h.DecryptAsync(Key(HsmKeyKind.Sm2), new byte[100]),
        ["no pairs"] = h => h.GenerateWrappedKeyPairsAsync(Key(HsmKeyKind.EscrowKek), 0),
        ["too many pairs"] = h => h.GenerateWrappedKeyPairsAsync(Key(HsmKeyKind.EscrowKek), 1025),
        ["pairs under a data KEK"] = h => h.GenerateWrappedKeyPairsAsync(Key(HsmKeyKind.DataKek), 1),
        ["no wrapped key"] = h => h.EnvelopeKeyAsync(default, WireSamples.Sm2, ByCa),
        ["recipient is not SM2"] = h => h.EnvelopeKeyAsync(new byte[90], P256, ByCa),
        ["signer is not SM2"] = h => h.EnvelopeKeyAsync(new byte[90], WireSamples.Sm2, ByCa, Key(HsmKeyKind.P256)),
        ["negative index"] = h => h.EnvelopeKeyAsync(new byte[90], WireSamples.Sm2, ByCa with { Index = -1 }),
        ["three approvals"] = h => h.EnvelopeKeyAsync(new byte[90], WireSamples.Sm2, ByCa with { Approvals = [Digest, Digest, Digest] }),
        ["request larger than a frame"] = h => h.EnvelopeKeyAsync(
            new byte[90], WireSamples.Sm2, new EnvelopeAuthorization.ByRecoveryOfficers(new byte[Frame.MaxRequestBody - 100])),
    };

    private static readonly Dictionary<HsmCapabilities, Func<IHsm, Task>> Lacking = new()
    {
        [HsmCapabilities.Random] = h => h.GetRandomAsync(1),
        [HsmCapabilities.SignatureCounter] = h => h.GetSignatureCountAsync(Key(HsmKeyKind.Sm2)),
        [HsmCapabilities.HmacSm3] = h => h.ComputeHmacAsync(Key(HsmKeyKind.HmacSm3), Digest),
        [HsmCapabilities.WrapDataKey] = h => h.UnwrapKeyAsync(Key(HsmKeyKind.DataKek), new byte[60], default),
        [HsmCapabilities.Sm2Decryption] = h => h.DecryptAsync(Key(HsmKeyKind.Sm2Decryption), new byte[100]),
        [HsmCapabilities.KeyEscrow] = h => h.GenerateWrappedKeyPairsAsync(Key(HsmKeyKind.EscrowKek), 1),
    };

    private static readonly Dictionary<string, SimulatorOptions> WrongOptions = new()
    {
        ["port"] = With(port: 0),
        ["partition"] = With(partition: new string('x', 65)),
        ["pin"] = With(pin: new byte[31]),
        ["serial"] = With(serial: "xy"),
        ["short secret"] = With(secret: new byte[31]),
        ["no secret"] = With(secret: []),
        ["two secrets"] = With(secretFile: "secret"),
        ["two certificates"] = With(certificateFile: "client.pem"),
        ["no connection"] = With(connections: 0),
        ["no request"] = With(maxInFlight: 0),
        ["no time"] = With(timeout: TimeSpan.Zero),
    };

    public static TheoryData<string> WrongOptionNames => [.. WrongOptions.Keys];

    public static TheoryData<string> WrongNames => [.. Wrong.Keys];

    public static TheoryData<HsmCapabilities> LackingNames => [.. Lacking.Keys];

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task WrongArgument_IsNotSent(string what)
    {
        int asked = 0;
        await using var device = new ScriptedDevice { Serve = (_, _) => Task.FromResult(Interlocked.Increment(ref asked)) };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Wrong[what](hsm).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        Assert.Equal(0, asked);
    }

    [Theory]
    [MemberData(nameof(LackingNames))]
    public async Task MissingCapability_IsNotSupportedAndNotSent(HsmCapabilities capability)
    {
        int asked = 0;
        await using var device = new ScriptedDevice
        {
            Serve = (peer, request) =>
            {
                asked++;
                return peer.RefuseAsync(request, HsmFailure.Refused, "asked all the same");
            },
        };
        device.Welcome = device.Welcome with { Capabilities = device.Welcome.Capabilities & ~capability };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        await Assert.ThrowsAsync<NotSupportedException>(() => Lacking[capability](hsm));
        Assert.Equal(0, asked);
        foreach ((HsmCapabilities other, Func<IHsm, Task> call) in Lacking.Where(each => each.Key != capability))
        {
            await Assert.ThrowsAsync<HsmException>(() => call(hsm));
        }

        Assert.Equal(Lacking.Count - 1, asked);
    }

    [Fact]
    public async Task KindThatNothingCouldUse_IsNotMade()
    {
        await using var device = new ScriptedDevice();
        device.Welcome = device.Welcome with { Capabilities = HsmCapabilities.SignMany };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        await Assert.ThrowsAsync<NotSupportedException>(
            () => hsm.GenerateKeyAsync(WireSamples.Label, HsmKeyKind.EscrowKek, TestContext.Current.CancellationToken));
        Assert.DoesNotContain(HsmKeyKind.DataKek, hsm.Token.KeyKinds);
        Assert.Contains(HsmKeyKind.Rsa4096, hsm.Token.KeyKinds);
    }

    [Theory]
    [MemberData(nameof(WrongOptionNames))]
    public async Task WrongOption_IsAnArgumentException(string what)
    {
        ArgumentException e = await Assert.ThrowsAnyAsync<ArgumentException>(
            () => SimulatorHsm.ConnectAsync(WrongOptions[what], TestContext.Current.CancellationToken));
        Assert.False(string.IsNullOrEmpty(e.ParamName));
    }

    private static HsmKey Key(HsmKeyKind kind) => new(WireSamples.Label, kind, null);

    private static SimulatorOptions With(
        int port = 1,
        string partition = "kmc",
        byte[]? pin = null,
        string? serial = null,
        byte[]? secret = null,
        string? secretFile = null,
        string? certificateFile = null,
        int connections = 1,
        int maxInFlight = 1,
        TimeSpan? timeout = null) => new()
    {
        Host = "127.0.0.1",
        Port = port,
        Partition = partition,
        Serial = serial,
        ServerCertificateHash = pin ?? new byte[32],
        ClientCertificate = ScriptedDevice.ClientCertificate,
        ClientCertificateFile = certificateFile,
        Secret = secret ?? new byte[32],
        SecretFile = secretFile,
        Connections = connections,
        MaxInFlight = maxInFlight,
        RequestTimeout = timeout ?? TimeSpan.FromSeconds(1),
    };
}
