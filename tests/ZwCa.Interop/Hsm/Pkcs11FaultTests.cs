using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Interop.Hsm;

/// <summary>Sessions, tokens and the library going away under the driver, and devices that do not answer.</summary>
public sealed class Pkcs11FaultTests : IDisposable
{
    private static readonly KeyLabel Label = new("ca");
    private static readonly byte[] Digest = SHA256.HashData("m"u8);

    private readonly SoftHsm _softHsm = new("token");
    private readonly ManualTime _time = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;
    private string _pin = SoftHsm.Pin;

    public void Dispose() => _softHsm.Dispose();

    [Fact]
    public async Task SessionsClosedByOthers_AreOpenedAgain()
    {
        await using Pkcs11Hsm hsm = await Connect(_softHsm.Module);
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);
        for (int round = 0; round < 3; round++)
        {
            // Several sessions in the pool, every one of them stale afterwards.
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Signs(hsm, key)));
            CloseAllSessions();
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Signs(hsm, key)));
        }

        CloseAllSessions();
        Assert.Equal(key, await hsm.FindKeyAsync(Label, _cancellation));
        CloseAllSessions();
        Assert.Equal(8, (await hsm.GetRandomAsync(8, _cancellation)).Length);
        CloseAllSessions();
        Assert.Equal(HsmKeyKind.P256, (await hsm.GenerateKeyAsync(new KeyLabel("another"), HsmKeyKind.P256, _cancellation)).Kind);
    }

    [Fact]
    public async Task LibraryFinalizedByOthers_IsInitializedAgain()
    {
        await using Pkcs11Hsm hsm = await Connect(_softHsm.Module);
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.Rsa2048, _cancellation);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Signs(hsm, key)));

        _softHsm.Module.FinalizeLibrary();
        _softHsm.Initialize(() => Signs(hsm, key).Wait(_cancellation));

        // Handles begin anew: sessions of before are not taken for those of now.
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Signs(hsm, key)));
    }

    [Theory]
    [InlineData(nameof(CkResult.CKR_SESSION_HANDLE_INVALID))]
    [InlineData(nameof(CkResult.CKR_SESSION_CLOSED))]
    [InlineData(nameof(CkResult.CKR_USER_NOT_LOGGED_IN))]
    [InlineData(nameof(CkResult.CKR_OBJECT_HANDLE_INVALID))]
    [InlineData(nameof(CkResult.CKR_KEY_HANDLE_INVALID))]
    [InlineData(nameof(CkResult.CKR_DEVICE_REMOVED))]
    [InlineData(nameof(CkResult.CKR_TOKEN_NOT_PRESENT))]
    [InlineData(nameof(CkResult.CKR_DEVICE_ERROR))]
    public async Task LossWhileSigning_IsTriedAgainOnce(string result)
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);

        FaultyLibrary.NextSign = Enum.Parse<CkResult>(result);

        await Signs(hsm, key);
        Assert.Equal(CkResult.CKR_OK, FaultyLibrary.NextSign);
    }

    [Theory]
    [InlineData(nameof(CkResult.CKR_FUNCTION_FAILED), HsmFailure.DeviceError)]
    [InlineData(nameof(CkResult.CKR_HOST_MEMORY), HsmFailure.Busy)]
    [InlineData(nameof(CkResult.CKR_KEY_FUNCTION_NOT_PERMITTED), HsmFailure.WrongKeyKind)]
    [InlineData(nameof(CkResult.CKR_DATA_LEN_RANGE), HsmFailure.BadInput)]
    public async Task OtherFailure_IsSaidByItsName_AndTheNextCallWorks(string result, HsmFailure failure)
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);

        FaultyLibrary.NextSign = Enum.Parse<CkResult>(result);

        HsmException e = await Fails(failure, () => Signs(hsm, key));
        Assert.Contains($"C_Sign: {result}", e.Message);
        await Signs(hsm, key);
    }

    [Fact]
    public async Task TokenPulledOut_IsUnreachable_AndWorksOnceItIsBack()
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);

        FaultyLibrary.IsAway = true;
        HsmException e = await Fails(HsmFailure.Unreachable, () => Signs(hsm, key));
        Assert.Contains("is away. No token is seen.", e.Message);
        Assert.True(e.IsTransient);
        await Fails(HsmFailure.Unreachable, () => hsm.FindKeyAsync(Label, _cancellation));

        FaultyLibrary.IsAway = false;
        await Signs(hsm, key);
    }

    [Fact]
    public async Task DeviceThatHangs_IsGivenUp_HoldsNoMoreThreadsThanSessions_AndWorksOnceItAnswers()
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module), sessions: 2);
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);
        using var hold = new ManualResetEventSlim();
        FaultyLibrary.Hold = hold;
        try
        {
            // Both sessions wait for the device; nobody waits for them any more after the time-out.
            Task[] signing = [Signs(hsm, key), Signs(hsm, key)];
            await FaultyLibrary.Held.WaitAsync(_cancellation);
            await FaultyLibrary.Held.WaitAsync(_cancellation);
            Assert.All(signing, task => Assert.False(task.IsCompleted));
            _time.Elapse();
            foreach (Task task in signing)
            {
                Assert.Contains("did not answer within", (await Fails(HsmFailure.NoAnswer, () => task)).Message);
            }

            // A third call finds no session and does not reach the device.
            Task third = Signs(hsm, key);
            _time.Elapse();
            Assert.Contains("2 sessions wait for it already", (await Fails(HsmFailure.Unreachable, () => third)).Message);
            Assert.Equal(0, FaultyLibrary.Held.CurrentCount);
        }
        finally
        {
            FaultyLibrary.Hold = null;
            hold.Set();
        }

        await Signs(hsm, key);
    }

    [Fact]
    public async Task AllSessionsInUse_IsBusy_AndACancelledCallEndsAtOnce()
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module), sessions: 1);
        HsmKey key = await hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation);
        using var hold = new ManualResetEventSlim();
        FaultyLibrary.Hold = hold;
        Task signing;
        try
        {
            using var cancelled = new CancellationTokenSource();
            signing = Signs(hsm, key);
            await FaultyLibrary.Held.WaitAsync(_cancellation);
            Task late = Signs(hsm, key);
            _time.ElapseLast();
            Assert.Contains("All 1 sessions", (await Fails(HsmFailure.Busy, () => late)).Message);
            Task waiting = hsm.SignAsync(key, SignatureScheme.EcdsaSha256, Digest, cancelled.Token);
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
        finally
        {
            FaultyLibrary.Hold = null;
            hold.Set();
        }

        await signing;
        await Signs(hsm, key);
    }

    [Theory]
    [InlineData(nameof(CkResult.CKR_DEVICE_REMOVED))]
    [InlineData(nameof(CkResult.CKR_DEVICE_ERROR))]
    [InlineData(nameof(CkResult.CKR_SESSION_CLOSED))]
    public async Task LossWhileAKeyIsMade_IsNoAnswer_AndTheKeyIsFound(string result)
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));

        FaultyLibrary.NextGenerate = Enum.Parse<CkResult>(result);

        await Fails(HsmFailure.NoAnswer, () => hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation));
        HsmKey? key = await hsm.FindKeyAsync(Label, _cancellation);
        Assert.NotNull(key);
        await Signs(hsm, key);
    }

    /// <summary>Whatever destroying says: the caller learns why his key was not made, and that something is left.</summary>
    [Theory]
    [InlineData(nameof(CkResult.CKR_OK), 2)]
    [InlineData(nameof(CkResult.CKR_ACTION_PROHIBITED), 3)]
    [InlineData(nameof(CkResult.CKR_DEVICE_ERROR), 3)]
    public async Task KeyMadeTwiceAtTheSameMoment_IsKeyExists_AlsoWhereOursStays(string destroying, int left)
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));
        (FaultyLibrary.MakesTwice, FaultyLibrary.NextDestroy) = (true, Enum.Parse<CkResult>(destroying));

        HsmException e = await Fails(HsmFailure.KeyExists, () => hsm.GenerateKeyAsync(Label, HsmKeyKind.P256, _cancellation));

        Assert.Equal(left > 2, e.Message.Contains($"could not be destroyed again ({destroying})", StringComparison.Ordinal));
        using var raw = new RawSession(_softHsm, "token");
        Assert.Equal(left, raw.Find((Cryptoki.CKA_LABEL, Template.Value(Label))).Length);
    }

    [Theory]
    [InlineData(nameof(CkResult.CKR_PIN_LOCKED), "has locked its PIN after too many wrong ones (CKR_PIN_LOCKED)")]
    [InlineData(nameof(CkResult.CKR_PIN_EXPIRED), "has expired (CKR_PIN_EXPIRED)")]
    [InlineData(nameof(CkResult.CKR_USER_PIN_NOT_INITIALIZED), "has no PIN yet")]
    public async Task PinThatCannotBeUsed_IsExplained(string result, string message)
    {
        Pkcs11Module module = FaultyLibrary.InFrontOf(_softHsm.Module);

        FaultyLibrary.NextLogin = Enum.Parse<CkResult>(result);

        Assert.Contains(message, (await Fails(HsmFailure.WrongCredential, () => Connect(module))).Message);
    }

    /// <summary>Each further try of a PIN that was changed under us would take the token nearer to its lock.</summary>
    [Fact]
    public async Task PinRefusedAtAReconnect_IsNotTriedAgain()
    {
        await using Pkcs11Hsm hsm = await Connect(FaultyLibrary.InFrontOf(_softHsm.Module));
        _pin = "00000000";
        CloseAllSessions();

        await Fails(HsmFailure.WrongCredential, () => hsm.GetRandomAsync(1, _cancellation));
        int tried = FaultyLibrary.Logins;
        HsmException e = await Fails(HsmFailure.WrongCredential, () => hsm.FindKeyAsync(Label, _cancellation));

        Assert.Equal(2, tried);
        Assert.Equal(tried, FaultyLibrary.Logins);
        Assert.Contains("It is not tried again.", e.Message);
    }

    private Task<Pkcs11Hsm> Connect(Pkcs11Module module, int sessions = 4) => Pkcs11Hsm.ConnectAsync(
        module,
        new Pkcs11Options
        {
            Library = _softHsm.Library,
            TokenLabel = "token",
            Pin = () => Encoding.UTF8.GetBytes(_pin),
            Sessions = sessions,
            TimeProvider = _time,
        },
        _cancellation);

    private void CloseAllSessions() => _softHsm.Module.CloseAllSessions(Assert.Single(_softHsm.Tokens).Slot);

    private async Task Signs(Pkcs11Hsm hsm, HsmKey key)
    {
        SignatureScheme scheme = key.Kind == HsmKeyKind.P256 ? SignatureScheme.EcdsaSha256 : SignatureScheme.RsaPkcs1Sha256;
        byte[] signature = await hsm.SignAsync(key, scheme, Digest, _cancellation);
        if (scheme == SignatureScheme.EcdsaSha256)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key.PublicKey!), out _);
            Assert.True(ecdsa.VerifyHash(Digest, signature));
            return;
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(key.PublicKey!), out _);
        Assert.True(rsa.VerifyHash(Digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static async Task<HsmException> Fails(HsmFailure failure, Func<Task> call)
    {
        HsmException e = await Assert.ThrowsAsync<HsmException>(call);
        Assert.Equal(failure, e.Failure);
        return e;
    }
}
