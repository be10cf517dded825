using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Officers;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>A thief at the KMC: he has its credential at the device and its whole database, with subscribers' keys in it, and has read what the CA sent. What he asks the device, it refuses.</summary>
public sealed class StolenCredentialTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stolen_KMC_credential_opens_nothing()
    {
        await using PairStage stage = await PairStage.StartAsync();
        (PairAnswer pair, Sm2PrivateKey owner) = await stage.IssueAsync();
        (PairAnswer otherPair, Sm2PrivateKey otherOwner) = await stage.IssueAsync();
        await stage.Kmc.StopAsync();
        var thief = Sm2PrivateKey.Generate();
        await using SimulatorHsm device = await SimulatorHsm.ConnectAsync(
            SimulatorOptions.FromFolder(stage.Kmc.Device.Endpoint, KmcProcess.Partition, stage.Kmc.ClientFolder), Token);
        await using Database stolen = stage.Kmc.OpenDatabase();
        (byte[] keyId, byte[] bound) = await stolen.FindAsync<(byte[], byte[])>("SELECT key_id, wrapped_key FROM escrowed_key WHERE serial = @KeySerial", pair, Token);
        byte[] stock = (await stolen.FindAsync<byte[]>("SELECT wrapped_key FROM escrowed_key WHERE state = 1 ORDER BY key_id LIMIT 1", cancellationToken: Token))!;
        SerialNumber serial = SerialNumber.Parse(pair.KeySerial);

        // Nothing to show, or what is none.
        await RefusedAsync("nothing", bound, thief, new EnvelopeAuthorization.ByCa(ReadOnlyMemory<byte>.Empty));
        await RefusedAsync("noise", bound, thief, new EnvelopeAuthorization.ByCa(new TestRandom().Bytes(300)));
        await RefusedAsync("no case", bound, thief, new EnvelopeAuthorization.ByRecoveryOfficers(ReadOnlyMemory<byte>.Empty));

        // In the CA's name, signed by himself, and by the KMC itself, whose key he may use.
        await RefusedAsync("the thief's signature", bound, thief, ByCa(await stage.SignAsync(RestoreKeyReq.Sm2(serial, PairScene.Of(thief)), Sign(thief))));
        HsmKey message = (await device.FindKeyAsync(new KeyLabel("kmc-message"), Token))!;
        byte[] kmcSigned = await stage.SignAsync(RestoreKeyReq.Sm2(serial, PairScene.Of(thief)), bytes => new HsmSigner(device, message).SignAsync(bytes, Token));
        await RefusedAsync("the KMC's signature", bound, thief, ByCa(kmcSigned));

        // What the CA has really signed, replayed: to himself, for another key, for one of the stock, and with another recipient written into it.
        byte[] restore = await stage.SignAsync(RestoreKeyReq.Sm2(serial, PairScene.Of(owner)));
        byte[] other = await stage.SignAsync(RestoreKeyReq.Sm2(SerialNumber.Parse(otherPair.KeySerial), PairScene.Of(otherOwner)));
        await RefusedAsync("replayed to the thief", bound, thief, ByCa(restore));
        await RefusedAsync("another subscriber's", bound, otherOwner, ByCa(other));
        await RefusedAsync("a key of the stock", stock, owner, ByCa(restore));
        await RefusedAsync("another recipient written into it", bound, thief, ByCa(Replace(restore, Der.Encode(PairScene.Of(owner)), Der.Encode(PairScene.Of(thief)))));

        // Even where the CA would ask for him: to another recipient it takes two officers' approvals, and those whom he makes up are nobody's.
        byte[] betrayed = await stage.SignAsync(RestoreKeyReq.Sm2(serial, PairScene.Of(thief)));
        await RefusedAsync("no approvals", bound, thief, ByCa(betrayed));
        Application application = PairScene.Recovery(pair, thief);
        EnvelopeAuthorization.ByCa papers = ByCa(betrayed) with { Application = Der.Encode(application) };
        CaScene scene = stage.Ca.Scene;
        byte[] entry = Der.Encode(scene.Sign(scene.Entry, ApprovalStep.Entry, application));
        await RefusedAsync("one approval", bound, thief, papers with { Approvals = [entry] });
        await RefusedAsync("one officer twice", bound, thief, papers with { Approvals = [entry, Der.Encode(scene.Sign(scene.Entry, ApprovalStep.Review, application))] });
        byte[] forged = Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(ApprovalStep.Review, [application], DateTimeOffset.UtcNow), thief, scene.Review.Certificate));
        await RefusedAsync("an officer's certificate, the thief's signature", bound, thief, papers with { Approvals = [entry, forged] });

        // The courts' way: two of five, and himself thrice.
        var recoveryCase = new RecoveryCase(Convert.FromHexString(device.Token.Serial), "(2026)浙01刑初7号", Sm3.HashData("裁定书"u8), keyId, PairScene.Of(thief), Time.Truncate(DateTimeOffset.UtcNow.AddDays(1)));
        await RefusedAsync("two of five", bound, thief, Case(recoveryCase, [.. stage.Kmc.RecoveryOfficers.Take(2), thief]));
        await RefusedAsync("the thief alone", bound, thief, Case(recoveryCase, [thief, thief, thief]));

        // What it does open it opens to its owner, and to nobody else: the refusals were none of a device that refuses everything.
        KeyEnvelope envelope = await device.EnvelopeKeyAsync(bound, PairScene.Of(owner), ByCa(restore), cancellationToken: Token);
        byte[] der = Der.Encode(envelope.ToSm2EnvelopedKey());
        using (Sm2PrivateKey opened = PairScene.Open(der, owner))
        {
            Assert.Equal(Der.Decode<Certificate>(pair.Encryption.Certificate!).Tbs.SubjectPublicKeyInfo, PairScene.Of(opened));
        }

        Assert.ThrowsAny<Exception>(() => PairScene.Open(der, thief));
        thief.Dispose();

        async Task RefusedAsync(string what, byte[] wrapped, Sm2PrivateKey recipient, EnvelopeAuthorization authorization)
        {
            HsmException? refused = await Record.ExceptionAsync(() => device.EnvelopeKeyAsync(wrapped, PairScene.Of(recipient), authorization, cancellationToken: Token)) as HsmException;
            Assert.True(refused?.Failure == HsmFailure.Refused, $"{what}: {refused?.Message ?? "it was opened"}");
        }
    }

    private static EnvelopeAuthorization.ByCa ByCa(byte[] message) => new(message);

    private static EnvelopeAuthorization.ByRecoveryOfficers Case(RecoveryCase recoveryCase, IReadOnlyList<Sm2PrivateKey> signers)
    {
        byte[] statement = Der.Encode(recoveryCase);
        return new EnvelopeAuthorization.ByRecoveryOfficers(Der.Encode(new SignedStatement(statement, [.. signers.Select(signer => StatementSignature.Create(statement, signer))])));
    }

    private static Func<byte[], Task<byte[]>> Sign(Sm2PrivateKey key) => bytes =>
    {
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(bytes, signature);
        return Task.FromResult(Der.Encode(ZwCa.Asn1.Gm.Sm2Signature.FromRaw(signature)));
    };

    private static byte[] Replace(byte[] bytes, byte[] old, byte[] by)
    {
        Assert.Equal(old.Length, by.Length);
        int at = bytes.AsSpan().IndexOf(old);
        Assert.True(at >= 0);
        return [.. bytes[..at], .. by, .. bytes[(at + old.Length)..]];
    }
}
