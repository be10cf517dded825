using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>Finding the device, knowing it, and being known by it. Limits are generous: what hangs fails, what is slow does not.</summary>
public sealed class DriverConnectTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Welcome_BecomesTheToken()
    {
        await using var device = new ScriptedDevice();
        device.Welcome = device.Welcome with { LastBackup = 1_700_000_000_000 };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal(ScriptedDevice.Partition, hsm.Token.Label);
        Assert.Equal("abababababababababababababababab", hsm.Token.Serial);
        Assert.Equal("scripted 1", hsm.Token.Model);
        Assert.Equal(device.Welcome.Capabilities, hsm.Token.Capabilities);
        Assert.Equal(StoreMarks.Demo, hsm.Token.Marks);
        Assert.Equal(3, hsm.Token.KeysWithoutBackup);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000), hsm.Token.LastBackup);
        Assert.Equal(Enum.GetValues<HsmKeyKind>(), hsm.Token.KeyKinds.Order());
    }

    [Fact]
    public async Task WrongSerial_IsTokenNotFoundAndNamesTheOneSeen()
    {
        await using var device = new ScriptedDevice();
        HsmException e = await Assert.ThrowsAsync<HsmException>(
            () => SimulatorHsm.ConnectAsync(device.Options(serial: "00112233445566778899AABBCCDDEEFF"), Token));
        Assert.Equal(HsmFailure.TokenNotFound, e.Failure);
        Assert.Contains("abababababababababababababababab", e.Message, StringComparison.Ordinal);
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(serial: "ABABABABABABABABABABABABABABABAB"), Token);
        Assert.Equal("abababababababababababababababab", hsm.Token.Serial);
    }

    [Fact]
    public async Task CertificateOtherThanThePin_IsWrongCredential()
    {
        await using var device = new ScriptedDevice();
        SimulatorOptions options = device.Options();
        device.Certificate = ScriptedDevice.MakeCertificate("device");
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => SimulatorHsm.ConnectAsync(options, Token));
        Assert.Equal(HsmFailure.WrongCredential, e.Failure);
        Assert.Contains(device.Certificate.GetCertHashString(HashAlgorithmName.SHA256), e.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task ClientThatTheDeviceDoesNotKnow_IsWrongCredential()
    {
        await using var device = new ScriptedDevice();
        device.Clients.Clear();
        Assert.Equal(HsmFailure.WrongCredential, await DriverCalls.FailureOf(device.ConnectAsync()));
    }

    /// <summary>The folder that hsm-sim's init leaves for a client.</summary>
    [Fact]
    public async Task ClientFolder_IsAllThatAClientNeeds()
    {
        await using var device = new ScriptedDevice();
        var endpoint = new IPEndPoint(IPAddress.Loopback, device.Port);
        DirectoryInfo folder = Directory.CreateTempSubdirectory();
        try
        {
            string File(string name) => Path.Combine(folder.FullName, name);
            Task WriteSecretAsync(string text) => System.IO.File.WriteAllTextAsync(File("secret"), text, Token);
            async Task<HsmFailure> FailAsync() =>
                await DriverCalls.FailureOf(SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(endpoint, ScriptedDevice.Partition, folder.FullName), Token));

            await System.IO.File.WriteAllTextAsync(File("server.sha256"), device.Certificate.GetCertHashString(HashAlgorithmName.SHA256) + "\n", Token);
            await System.IO.File.WriteAllTextAsync(File("client.pem"), PemOf(ScriptedDevice.ClientCertificate, null), Token);
            Assert.Equal(HsmFailure.WrongCredential, await FailAsync());
            await WriteSecretAsync(new string('0', 64));
            Assert.Equal(HsmFailure.WrongCredential, await FailAsync());
            await WriteSecretAsync(Convert.ToHexStringLower(ScriptedDevice.Secret)[1..]);
            Assert.Equal(HsmFailure.WrongCredential, await FailAsync());
            await WriteSecretAsync(Convert.ToHexStringLower(ScriptedDevice.Secret) + "\n");
            await (await SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(endpoint, ScriptedDevice.Partition, folder.FullName), Token)).DisposeAsync();
            await (await ConsoleClient.ConnectAsync(endpoint, folder.FullName, Token)).DisposeAsync();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("right", "right", true)]
    [InlineData("right", "wrong", false)]
    [InlineData("right", null, false)]
    public async Task ClientCertificateFile_IsOpenedWithItsPassword(string? encryptedWith, string? openedWith, bool opens)
    {
        await using var device = new ScriptedDevice();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, PemOf(ScriptedDevice.ClientCertificate, encryptedWith), Token);
            SimulatorOptions plain = device.Options();
            var options = new SimulatorOptions
            {
                Host = plain.Host,
                Port = plain.Port,
                Partition = plain.Partition,
                ServerCertificateHash = plain.ServerCertificateHash,
                ClientCertificateFile = file,
                ClientKeyPassword = openedWith,
                ConnectTimeout = plain.ConnectTimeout,
                Secret = plain.Secret,
            };
            if (opens)
            {
                await (await SimulatorHsm.ConnectAsync(options, Token)).DisposeAsync();
            }
            else
            {
                HsmException e = await Assert.ThrowsAsync<HsmException>(() => SimulatorHsm.ConnectAsync(options, Token));
                Assert.Equal(HsmFailure.WrongCredential, e.Failure);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task NobodyListens_IsUnreachable()
    {
        await using var device = new ScriptedDevice();
        await device.StopAsync();
        Assert.Equal(HsmFailure.Unreachable, await DriverCalls.FailureOf(device.ConnectAsync()));
    }

    /// <summary>TCP takes the connection, TLS gets no word.</summary>
    [Fact]
    public async Task HandshakeThatDoesNotHappen_IsUnreachableWithinTheConnectTimeOut()
    {
        await using var device = new ScriptedDevice();
        await device.StopAsync();
        using var deaf = new TcpListener(IPAddress.Loopback, device.Port);
        deaf.Start();
        Assert.Equal(HsmFailure.Unreachable, await DriverCalls.FailureOf(SimulatorHsm.ConnectAsync(device.Options(connectTimeout: Short), Token)));
    }

    [Fact]
    public async Task NoTlsAtAll_IsUnreachable()
    {
        await using var device = new ScriptedDevice();
        await device.StopAsync();
        using var other = new TcpListener(IPAddress.Loopback, device.Port);
        other.Start();
        Task<HsmFailure> failure = DriverCalls.FailureOf(device.ConnectAsync());
        using Socket socket = await other.AcceptSocketAsync(Token);
        await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Token);
        Assert.Equal(HsmFailure.Unreachable, await failure);
    }

    [Fact]
    public async Task SilenceInPlaceOfWelcome_IsUnreachableWithinTheConnectTimeOut()
    {
        await using var device = new ScriptedDevice { Greet = (_, _) => Task.CompletedTask };
        Assert.Equal(HsmFailure.Unreachable, await DriverCalls.FailureOf(SimulatorHsm.ConnectAsync(device.Options(connectTimeout: Short), Token)));
    }

    [Fact]
    public async Task Console_AsksWithoutHello()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => request.Code == (ushort)Operation.EnterShare
            ? peer.AnswerAsync(request, new Number(2))
            : peer.RefuseAsync(request, HsmFailure.Refused, "no");
        var dialer = new TlsDialer("127.0.0.1", device.Port, device.Certificate.GetCertHash(HashAlgorithmName.SHA256), ScriptedDevice.ClientCertificate);
        await using ConsoleClient console = await ConsoleClient.ConnectAsync(dialer, DriverCalls.Patience, DriverCalls.Patience, Token);
        Number missing = await console.AskAsync<OpenShare, Number>(Operation.EnterShare, new OpenShare("kmc", 1, new byte[32]), Token);
        Assert.Equal(2, missing.Value);
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, Token));
        Assert.Equal(HsmFailure.Refused, e.Failure);
    }

    /// <param name="password">Null: the key is not encrypted.</param>
    private static string PemOf(X509Certificate2 certificate, string? password)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        var pbe = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        string pem = password is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe);
        return $"{certificate.ExportCertificatePem()}\n{pem}\n";
    }
}
