using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>The driver against a device that does what the test says. Limits are generous: what hangs fails, what is slow does not.</summary>
public sealed class DriverTests
{
    private static readonly HsmKey Sm2Key = new(new KeyLabel("ca-1"), HsmKeyKind.Sm2, null);
    private static readonly HsmKey HmacKey = new(new KeyLabel("mac"), HsmKeyKind.HmacSm3, null);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
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
    public async Task AnswersInReverseOrder_ReachTheirRequests()
    {
        const int Count = 64;
        var waiting = new ConcurrentStack<(ScriptedPeer Peer, Frame Request)>();
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            waiting.Push((peer, request));
            if (waiting.Count == Count)
            {
                while (waiting.TryPop(out var next))
                {
                    await next.Peer.AnswerAsync(next.Request, new Bytes(MacOf(next.Request)));
                }
            }
        };
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        byte[][] inputs = [.. Enumerable.Range(0, Count).Select(i => new byte[] { (byte)i, 7 })];
        byte[][] macs = await Task.WhenAll(inputs.Select(input => hsm.ComputeHmacAsync(HmacKey, input, Token))).WaitAsync(Patience, Token);
        Assert.Equal(inputs.Select(SHA256.HashData), macs);
    }

    [Fact]
    public async Task ParallelRequests_UseBothConnections()
    {
        const int Count = 64;
        var perPeer = new ConcurrentDictionary<ScriptedPeer, ConcurrentQueue<Frame>>();
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            perPeer.GetOrAdd(peer, _ => []).Enqueue(request);
            if (perPeer.Values.Sum(q => q.Count) == Count)
            {
                foreach ((ScriptedPeer each, ConcurrentQueue<Frame> queue) in perPeer)
                {
                    foreach (Frame frame in queue)
                    {
                        await each.AnswerAsync(frame, new Bytes(MacOf(frame)));
                    }
                }
            }
        };
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        Task<byte[]>[] calls = [.. Enumerable.Range(0, Count).Select(i => hsm.ComputeHmacAsync(HmacKey, new byte[i], Token))];
        await Task.WhenAll(calls).WaitAsync(Patience, Token);
        Assert.Equal([Count / 2, Count / 2], perPeer.Values.Select(q => q.Count));
        Assert.Equal(2, device.Connections);
    }

    [Fact]
    public async Task RequestsBeyondTheLimit_WaitForAPlace()
    {
        const int Limit = 4;
        var open = new ConcurrentQueue<(ScriptedPeer Peer, Frame Request)>();
        using var arrived = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice
        {
            Serve = (peer, request) =>
            {
                open.Enqueue((peer, request));
                arrived.Release();
                return Task.CompletedTask;
            },
        };
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: Limit), Token);
        Task<byte[]>[] calls = [.. Enumerable.Range(0, 3 * Limit).Select(i => hsm.ComputeHmacAsync(HmacKey, new byte[i], Token))];
        int most = 0;
        for (int answered = 0; answered < calls.Length; answered++)
        {
            Assert.True(await arrived.WaitAsync(Patience, Token));
            most = Math.Max(most, open.Count);
            Assert.True(open.TryDequeue(out var next));
            await next.Peer.AnswerAsync(next.Request, new Bytes(MacOf(next.Request)));
        }

        await Task.WhenAll(calls).WaitAsync(Patience, Token);
        Assert.InRange(most, 1, Limit);
    }

    [Fact]
    public async Task NoPlaceWithinTheTimeOut_IsBusy()
    {
        var time = new ManualTime();
        await using var device = new ScriptedDevice();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: 1, time: time), Token);

        // Between two looks at the clock (every quarter of a second): the second gives up before the first leaves it its place.
        time.Advance(TimeSpan.FromMilliseconds(100));
        Task<byte[]> first = hsm.GetRandomAsync(1, Token);
        Task<byte[]> second = hsm.GetRandomAsync(1, Token);
        time.Advance(TimeSpan.FromMilliseconds(60_050));
        Assert.Equal(HsmFailure.Busy, await FailureOf(second));
        Assert.False(first.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(first));
    }

    [Fact]
    public async Task LateAnswer_IsDroppedAndTheConnectionGoesOn()
    {
        Frame? kept = null;
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            if (request.Code == (ushort)Operation.Hmac)
            {
                kept = request;
                return;
            }

            await peer.AnswerAsync(request, new Bytes(new byte[4]));
        };
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        Task<byte[]> slow = hsm.ComputeHmacAsync(HmacKey, new byte[1], Token);

        // The connection is not quiet meanwhile, so it is the request that is slow.
        for (int seconds = 0; seconds < 60; seconds += 10)
        {
            Assert.False(slow.IsCompleted);
            await hsm.GetRandomAsync(4, Token);
            time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(slow));
        ScriptedPeer peer = Assert.Single(device.Peers);
        await peer.AnswerAsync(kept!.Value, new Bytes(new byte[32]));
        Assert.Equal(4, (await hsm.GetRandomAsync(4, Token)).Length);
        Assert.Equal(1, device.Connections);
    }

    [Fact]
    public async Task SilentDevice_IsNoAnswerInTimeAndAskedAgainOnAFreshConnection()
    {
        bool silent = true;
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => silent ? Task.CompletedTask : peer.AnswerAsync(request, new Bytes(new byte[4]));
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        Task<byte[]> call = hsm.GetRandomAsync(4, Token);
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(call));
        silent = false;
        Assert.Equal(4, (await hsm.GetRandomAsync(4, Token)).Length);
        Assert.Equal(2, device.Connections);
    }

    [Fact]
    public async Task DeviceThatDiesAndComesBack_NeedsNoRestart()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.AnswerAsync(request, new Bytes(new byte[4]));
        await using SimulatorHsm hsm = await device.ConnectAsync(connections: 2);
        await hsm.GetRandomAsync(4, Token);
        await device.StopAsync();

        // As long as the driver has not noticed, a request is sent and lost.
        HsmFailure failure = HsmFailure.NoAnswer;
        while (failure == HsmFailure.NoAnswer)
        {
            failure = await FailureOf(hsm.GetRandomAsync(4, Token));
        }

        Assert.Equal(HsmFailure.Unreachable, failure);

        device.Welcome = device.Welcome with { Model = "scripted 2", Capabilities = HsmCapabilities.Random };
        device.Restart();
        Assert.Equal(4, (await EventuallyAsync(() => hsm.GetRandomAsync(4, Token))).Length);
        Assert.Equal("scripted 2", hsm.Token.Model);
        await Assert.ThrowsAsync<NotSupportedException>(() => hsm.ComputeHmacAsync(HmacKey, new byte[1], Token));
    }

    [Fact]
    public async Task DeadDevice_IsNotHammered()
    {
        await using var device = new ScriptedDevice();
        var time = new ManualTime();
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(time: time), Token);
        device.Greet = (peer, request) => peer.RefuseAsync(request, HsmFailure.Locked, "Two shares are missing.");
        Assert.Single(device.Peers).Close();
        await UntilAsync(async () => await FailureOf(hsm.GetRandomAsync(1, Token)) == HsmFailure.Locked);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(HsmFailure.Locked, await FailureOf(hsm.GetRandomAsync(1, Token)));
        }

        Assert.Equal(2, device.Connections);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(HsmFailure.Locked, await FailureOf(hsm.GetRandomAsync(1, Token)));
        Assert.Equal(3, device.Connections);
    }

    [Fact]
    public async Task AnotherPartitionAtTheSameAddress_IsNotUsed()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.AnswerAsync(request, new Bytes(new byte[1]));
        await using SimulatorHsm hsm = await device.ConnectAsync();
        device.Welcome = device.Welcome with { PartitionId = new byte[Welcome.IdLength] };
        Assert.Single(device.Peers).Close();
        await UntilAsync(async () => await FailureOf(hsm.GetRandomAsync(1, Token)) == HsmFailure.TokenNotFound);
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => hsm.GetRandomAsync(1, Token));
        Assert.Contains("00000000000000000000000000000000", e.Message, StringComparison.Ordinal);
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
        Assert.Equal(HsmFailure.WrongCredential, await FailureOf(device.ConnectAsync()));
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
                await FailureOf(SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(endpoint, ScriptedDevice.Partition, folder.FullName), Token));

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
        Assert.Equal(HsmFailure.Unreachable, await FailureOf(device.ConnectAsync()));
    }

    /// <summary>TCP takes the connection, TLS gets no word.</summary>
    [Fact]
    public async Task HandshakeThatDoesNotHappen_IsUnreachableWithinTheConnectTimeOut()
    {
        await using var device = new ScriptedDevice();
        await device.StopAsync();
        using var deaf = new TcpListener(IPAddress.Loopback, device.Port);
        deaf.Start();
        Assert.Equal(HsmFailure.Unreachable, await FailureOf(SimulatorHsm.ConnectAsync(device.Options(connectTimeout: Short), Token)));
    }

    [Fact]
    public async Task NoTlsAtAll_IsUnreachable()
    {
        await using var device = new ScriptedDevice();
        await device.StopAsync();
        using var other = new TcpListener(IPAddress.Loopback, device.Port);
        other.Start();
        Task<HsmFailure> failure = FailureOf(device.ConnectAsync());
        using Socket socket = await other.AcceptSocketAsync(Token);
        await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Token);
        Assert.Equal(HsmFailure.Unreachable, await failure);
    }

    [Fact]
    public async Task SilenceInPlaceOfWelcome_IsUnreachableWithinTheConnectTimeOut()
    {
        await using var device = new ScriptedDevice { Greet = (_, _) => Task.CompletedTask };
        Assert.Equal(HsmFailure.Unreachable, await FailureOf(SimulatorHsm.ConnectAsync(device.Options(connectTimeout: Short), Token)));
    }

    [Fact]
    public async Task ConnectionLostWithARequestInFlight_IsNoAnswer()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            peer.Close();
            return Task.CompletedTask;
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(hsm.GetRandomAsync(1, Token)));
    }

    /// <summary>A device that does not read: what lies in the driver when the connection ends has not been asked, and may be asked again.</summary>
    [Fact]
    public async Task RequestsThatHadNotLeft_AreUnreachable()
    {
        const int Steps = 8;
        const int PerStep = 64;
        using var never = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice { Serve = (_, _) => never.WaitAsync() };
        await using SimulatorHsm hsm = await SimulatorHsm.ConnectAsync(device.Options(maxInFlight: Steps * PerStep), Token);
        List<Task<byte[]>> calls = [];
        for (int step = 0; step < Steps; step++)
        {
            // 32 MiB in all: far more than the buffers of both sockets.
            calls.AddRange(Enumerable.Range(0, PerStep).Select(_ => hsm.ComputeHmacAsync(HmacKey, new byte[KeyedData.MaxDataBytes], Token)));
            await Task.Delay(50, Token);
        }

        Assert.Single(device.Peers).Close();
        HsmFailure[] failures = await Task.WhenAll(calls.Select(FailureOf));
        Assert.Equal([HsmFailure.Unreachable, HsmFailure.NoAnswer], failures.Distinct().Order());
        Assert.Equal(HsmFailure.NoAnswer, failures[0]);
        Assert.Equal(HsmFailure.Unreachable, failures[^1]);
        never.Release();
    }

    [Fact]
    public async Task FrameCutInTheMiddle_IsNoAnswer()
    {
        await using var device = new ScriptedDevice();
        device.Serve = async (peer, request) =>
        {
            await peer.SendAsync(ScriptedPeer.Encode(request.Id, Frame.Done, Message.Encode(new Bytes(new byte[100])))[..50]);
            peer.Close();
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(hsm.GetRandomAsync(100, Token)));
    }

    public static TheoryData<string, byte[]> Garbage => new()
    {
        { "shorter than a header", [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
        { "oversized", [0x7f, 0xff, 0xff, 0xff] },
        { "no request of that id", ScriptedPeer.Encode(99, Frame.Done, new byte[5]) },
        { "id 0", ScriptedPeer.Encode(0, Frame.Done, new byte[5]) },
        { "a body that ends early", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 9, 1]) },
        { "a body that is too long", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 1, 1, 1]) },
        { "another number of bytes", ScriptedPeer.Encode(2, Frame.Done, [0, 0, 0, 2, 1, 1]) },
        { "no body", ScriptedPeer.Encode(2, Frame.Done, []) },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task MalformedAnswer_IsProtocolAndTheConnectionIsClosed(string what, byte[] frame)
    {
        bool garbage = true;
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => garbage ? peer.SendAsync(frame) : peer.AnswerAsync(request, new Bytes(new byte[1]));
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Equal((what, HsmFailure.Protocol), (what, await FailureOf(hsm.GetRandomAsync(1, Token))));
        garbage = false;
        Assert.Single(await EventuallyAsync(() => hsm.GetRandomAsync(1, Token)));
        Assert.Equal(2, device.Connections);
    }

    [Theory]
    [InlineData((ushort)3, HsmFailure.Locked)]
    [InlineData((ushort)9, HsmFailure.Refused)]
    [InlineData((ushort)13, HsmFailure.Protocol)]
    [InlineData((ushort)14, HsmFailure.DeviceError)]
    [InlineData((ushort)65535, HsmFailure.DeviceError)]
    public async Task Status_BecomesItsFailure(ushort status, HsmFailure expected)
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.RefuseAsync(request, status, "because\n\xff"u8.ToArray());
        await using SimulatorHsm hsm = await device.ConnectAsync();
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => hsm.GetRandomAsync(1, Token));
        Assert.Equal(expected, e.Failure);
        Assert.Contains("because ", e.Message, StringComparison.Ordinal);
        Assert.Equal(expected, await FailureOf(hsm.GetRandomAsync(1, Token)));
        Assert.Equal(1, device.Connections);
    }

    [Fact]
    public async Task KeyThatIsNotThere_IsNull()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => peer.RefuseAsync(request, HsmFailure.KeyNotFound, "no");
        await using SimulatorHsm hsm = await device.ConnectAsync();
        Assert.Null(await hsm.FindKeyAsync(new KeyLabel("x"), Token));
    }

    [Fact]
    public async Task CancelledCall_EndsAtOnceAndTheConnectionGoesOn()
    {
        using var cancel = new CancellationTokenSource();
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            cancel.Cancel();
            return request.Code == (ushort)Operation.Hmac ? Task.CompletedTask : peer.AnswerAsync(request, new Bytes(new byte[1]));
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hsm.ComputeHmacAsync(HmacKey, new byte[1], cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hsm.ComputeHmacAsync(HmacKey, new byte[1], cancel.Token));
        Assert.Single(await hsm.GetRandomAsync(1, Token));
        Assert.Equal(1, device.Connections);
    }

    [Fact]
    public async Task SignMany_IsSplitWhereAFrameHoldsNoMore()
    {
        var sizes = new ConcurrentQueue<int>();
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) =>
        {
            ReadOnlyMemory<byte> digests = Message.Decode<SignRequest>(request.Body).Digests;
            sizes.Enqueue(digests.Length / 32);
            return peer.AnswerAsync(request, new Bytes(SignaturesOf(digests.Span)));
        };
        await using SimulatorHsm hsm = await device.ConnectAsync();
        foreach (int count in (int[])[0, 1, SignRequest.MaxDigests, (2 * SignRequest.MaxDigests) + 5])
        {
            byte[] digests = new TestRandom().Bytes(32 * count);
            Assert.Equal(SignaturesOf(digests), await hsm.SignManyAsync(Sm2Key, SignatureScheme.Sm2, digests, Token));
        }

        Assert.Equal([1, 4096, 4096, 4096, 5], sizes);
    }

    [Fact]
    public async Task SignManyWithoutTheCapability_SignsOneAfterTheOther()
    {
        await using var device = new ScriptedDevice();
        device.Welcome = device.Welcome with { Capabilities = HsmCapabilities.None };
        device.Serve = (peer, request) => request.Code == (ushort)Operation.Sign
            ? peer.AnswerAsync(request, new Bytes(SignaturesOf(Message.Decode<SignRequest>(request.Body).Digests.Span)))
            : peer.RefuseAsync(request, HsmFailure.Protocol, "no such operation");
        await using SimulatorHsm hsm = await device.ConnectAsync();
        byte[] digests = new TestRandom().Bytes(32 * 3);
        Assert.Equal(SignaturesOf(digests), await hsm.SignManyAsync(Sm2Key, SignatureScheme.Sm2, digests, Token));
    }

    [Fact]
    public async Task DisposedDriver_FailsWhatIsInFlightAndTakesNothingMore()
    {
        using var arrived = new SemaphoreSlim(0);
        await using var device = new ScriptedDevice();
        device.Serve = (_, _) =>
        {
            arrived.Release();
            return Task.CompletedTask;
        };
        SimulatorHsm hsm = await device.ConnectAsync();
        Task<byte[]> call = hsm.GetRandomAsync(1, Token);
        Assert.True(await arrived.WaitAsync(Patience, Token));
        await hsm.DisposeAsync();
        Assert.Equal(HsmFailure.NoAnswer, await FailureOf(call));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => hsm.GetRandomAsync(1, Token));
    }

    [Fact]
    public async Task Console_AsksWithoutHello()
    {
        await using var device = new ScriptedDevice();
        device.Serve = (peer, request) => request.Code == (ushort)Operation.EnterShare
            ? peer.AnswerAsync(request, new Number(2))
            : peer.RefuseAsync(request, HsmFailure.Refused, "no");
        var dialer = new TlsDialer("127.0.0.1", device.Port, device.Certificate.GetCertHash(HashAlgorithmName.SHA256), ScriptedDevice.ClientCertificate);
        await using ConsoleClient console = await ConsoleClient.ConnectAsync(dialer, Patience, Token);
        Number missing = await console.AskAsync<OpenShare, Number>(Operation.EnterShare, new OpenShare("kmc", 1, new byte[32]), Token);
        Assert.Equal(2, missing.Value);
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => console.AskAsync<Nothing, DeviceStatus>(Operation.Status, default, Token));
        Assert.Equal(HsmFailure.Refused, e.Failure);
    }

    private static byte[] MacOf(Frame request) => SHA256.HashData(Message.Decode<KeyedData>(request.Body).Data.Span);

    /// <summary>Each digest twice.</summary>
    private static byte[] SignaturesOf(ReadOnlySpan<byte> digests)
    {
        byte[] signatures = new byte[2 * digests.Length];
        for (int i = 0; i < digests.Length; i += 32)
        {
            digests.Slice(i, 32).CopyTo(signatures.AsSpan(2 * i));
            digests.Slice(i, 32).CopyTo(signatures.AsSpan((2 * i) + 32));
        }

        return signatures;
    }

    /// <param name="password">Null: the key is not encrypted.</param>
    private static string PemOf(X509Certificate2 certificate, string? password)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        var pbe = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        string pem = password is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe);
        return $"{certificate.ExportCertificatePem()}\n{pem}\n";
    }

    private static async Task<HsmFailure> FailureOf<T>(Task<T> call) =>
        (await Assert.ThrowsAsync<HsmException>(() => call.WaitAsync(Patience, Token))).Failure;

    /// <summary>Again while the failure may pass.</summary>
    private static async Task<T> EventuallyAsync<T>(Func<Task<T>> call)
    {
        T result = default!;
        await UntilAsync(async () =>
        {
            try
            {
                result = await call();
                return true;
            }
            catch (HsmException e) when (e.IsTransient)
            {
                return false;
            }
        });
        return result;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
