using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1.Custody;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Who is let in, and to what.</summary>
public sealed class CredentialTests
{
    private static Hello HelloTo(string partition, byte[] secret) => new(Frame.ProtocolVersion, partition, secret);

    [Fact]
    public async Task CertificateAndSecret_OpenOnePartition()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient ca = await device.DialAsync("ca");
        await using RawClient kmc = await device.DialAsync("kmc");

        Welcome toCa = (await ca.AskAsync(Operation.Hello, HelloTo("ca", device.Secret("ca")))).Read<Welcome>();
        Welcome toKmc = (await kmc.AskAsync(Operation.Hello, HelloTo("kmc", device.Secret("kmc")))).Read<Welcome>();

        Assert.NotEqual(toCa.PartitionId.ToArray(), toKmc.PartitionId.ToArray());
        Assert.Equal(StoreMarks.AutoUnlock, toCa.Marks);
        (await ca.AskAsync(Operation.GenerateKey, new NewKey(new KeyLabel("root"), HsmKeyKind.Sm2))).Read<KeyDescription>();
        Assert.Equal(HsmFailure.KeyNotFound, (await kmc.AskAsync(Operation.FindKey, new KeyName(new KeyLabel("root")))).Failure);
    }

    [Fact]
    public async Task NoCertificate_IsNotServed()
    {
        await using TestDevice device = await TestDevice.StartAsync();

        // In TLS 1.3 the client is done before the server has seen that there is no certificate.
        await using RawClient client = await RawClient.DialAsync(device.Address, certificate: null);
        await device.SeeAsync("handshake failed");
        Assert.Null(await client.ReadAsync());

        await device.AssertServesAsync();
    }

    [Fact]
    public async Task OlderTls_IsRefused()
    {
        await using TestDevice device = await TestDevice.StartAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.DialAsync(device.Address, device.Certificate("ca"), SslProtocols.Tls12));

        await device.SeeAsync("handshake failed");
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task AnotherDevice_IsNotTakenForThePinnedOne()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        using var dialer = new TlsDialer(IPAddress.Loopback.ToString(), device.Address.Port, new byte[32], device.Certificate("console"));

        HsmException e = await Assert.ThrowsAsync<HsmException>(() => dialer.DialAsync(TestContext.Current.CancellationToken));

        Assert.Equal(HsmFailure.WrongCredential, e.Failure);
    }

    [Theory]
    [InlineData("ca", "ca", "kmc", "ca's certificate with kmc's secret")]
    [InlineData("kmc", "ca", "ca", "kmc's certificate with ca's secret")]
    [InlineData("kmc", "ca", "kmc", "kmc's credential at ca")]
    [InlineData("kmc", "root", "kmc", "a partition that is not there")]
    [InlineData("stranger", "ca", "ca", "an unknown certificate with a stolen secret")]
    public async Task WrongCredential_IsRefusedAndClosed(string certificate, string partition, string secret, string what)
    {
        await using TestDevice device = await TestDevice.StartAsync();
        using X509Certificate2 stranger = SelfSigned();
        await using RawClient client = certificate == "stranger" ? await RawClient.DialAsync(device.Address, stranger) : await device.DialAsync(certificate);

        Answered answer = await client.AskAsync(Operation.Hello, HelloTo(partition, device.Secret(secret)));

        Assert.True(answer.Failure == HsmFailure.WrongCredential, what);
        Assert.Null(await client.ReadAsync());
        Assert.DoesNotContain(Convert.ToHexString(device.Secret(secret)), device.Log, StringComparison.OrdinalIgnoreCase);
        await device.AssertServesAsync();
    }

    [Fact]
    public async Task WrongCredential_CostsTime()
    {
        TimeSpan price = TimeSpan.FromMilliseconds(300);
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { WrongCredential = price });
        await using RawClient client = await device.DialAsync("ca");

        long start = TimeProvider.System.GetTimestamp();
        Answered answer = await client.AskAsync(Operation.Hello, HelloTo("ca", new byte[32]));

        Assert.Equal(HsmFailure.WrongCredential, answer.Failure);
        Assert.True(TimeProvider.System.GetElapsedTime(start) >= price - TimeSpan.FromMilliseconds(20), "It was answered at once.");
    }

    [Fact]
    public async Task LockedPartition_SaysSo()
    {
        await using TestDevice device = await TestDevice.StartAsync(locked: true);
        await using RawClient client = await device.DialAsync("ca");

        Answered answer = await client.AskAsync(Operation.Hello, HelloTo("ca", device.Secret("ca")));

        Assert.Equal(HsmFailure.Locked, answer.Failure);
        Assert.Contains("2 of 2 shares", answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherProtocolVersion_IsRefused()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.DialAsync("ca");

        Answered answer = await client.AskAsync(Operation.Hello, new Hello(Frame.ProtocolVersion + 1, "ca", device.Secret("ca")));

        Assert.Equal(HsmFailure.Protocol, answer.Failure);
        Assert.Null(await client.ReadAsync());
    }

    [Theory]
    [InlineData("client", (int)Operation.Hello)]
    [InlineData("client", (int)Operation.Status)]
    [InlineData("client", (int)Operation.EnterShare)]
    [InlineData("client", (int)Operation.InstallPolicy)]
    [InlineData("client", (int)Operation.Backup)]
    [InlineData("client", (int)Operation.SetFault)]
    [InlineData("console", (int)Operation.Hello)]
    [InlineData("console", (int)Operation.Sign)]
    [InlineData("console", (int)Operation.EnvelopeKey)]
    [InlineData("before hello", (int)Operation.Random)]
    [InlineData("before hello", (int)Operation.Status)]
    public async Task OperationThatIsNotForTheConnection_IsRefusedAndClosed(string connection, int operation)
    {
        await using TestDevice device = await TestDevice.StartAsync(faults: true);
        await using RawClient client = connection switch
        {
            "client" => await device.ConnectAsync(),
            "console" => await device.DialAsync("console"),
            _ => await device.DialAsync("ca"),
        };

        Answered answer = await client.AskAsync((Operation)operation, default(Nothing));

        Assert.Equal(HsmFailure.Protocol, answer.Failure);
        Assert.Null(await client.ReadAsync());
        await device.AssertServesAsync();
    }

    /// <summary>Every visit of the console would be a failure in the log otherwise.</summary>
    [Fact]
    public async Task ClientThatIsDone_IsNoFailureInTheLog()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        for (int i = 0; i < 10; i++)
        {
            await using ConsoleClient console = await device.OpenConsoleAsync();
            await console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, TestContext.Current.CancellationToken);
        }

        await TestDevice.UntilAsync(() => device.Connections == 0, () => "A connection is still there.");
        Assert.DoesNotContain("broken", device.Log, StringComparison.Ordinal);
        Assert.Contains("closed: by the peer", device.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SilenceInsteadOfHello_IsNotWaitedForLong()
    {
        await using TestDevice device = await TestDevice.StartAsync(TestDevice.Limits with { Handshake = TimeSpan.FromMilliseconds(500) });
        await using RawClient client = await device.DialAsync("ca");

        Assert.Null(await client.ReadAsync());

        await device.SeeAsync("no good Hello in time");
    }

    [Fact]
    public async Task ClientThatThePolicyNoLongerNames_LosesItsConnection()
    {
        await using TestDevice device = await TestDevice.StartAsync();
        await using RawClient client = await device.ConnectAsync("ca");
        await using RawClient other = await device.ConnectAsync("kmc");
        var successor = new ClientCredential(RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32));

        await device.InstallAsync("ca", old => new PartitionPolicy(old.Partition, old.Version + 1, [.. old.Clients, successor], false, [], [], null));
        (await client.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();

        await device.InstallAsync("ca", old => new PartitionPolicy(old.Partition, old.Version + 1, [successor], false, [], [], null));
        Assert.Null(await client.ReadAsync());
        (await other.AskAsync(Operation.Random, new Number(1))).Read<Bytes>();
        await using RawClient again = await device.DialAsync("ca");
        Assert.Equal(HsmFailure.WrongCredential, (await again.AskAsync(Operation.Hello, HelloTo("ca", device.Secret("ca")))).Failure);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
