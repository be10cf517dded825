using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Reaudit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>Two certificates from one request: issued, delivered, changed and followed together.</summary>
public sealed class PairTests
{
    private const short InUse = 2;
    private const short History = 3;

    [Fact]
    public async Task A_subscriber_gets_a_pair_and_a_retry_the_same()
    {
        await using PairStage stage = await PairStage.StartAsync();
        Sm2PrivateKey key = stage.NewKey();
        PairStage.Asked request = stage.Ask(key);
        PairAnswer pair = await request.AnsweredAsync();

        Certificate signing = Der.Decode<Certificate>(pair.Signing.Certificate!);
        Certificate encryption = Der.Decode<Certificate>(pair.Encryption.Certificate!);
        Assert.Equal((signing.Tbs.Subject, signing.Tbs.Issuer, signing.Tbs.Validity), (encryption.Tbs.Subject, encryption.Tbs.Issuer, encryption.Tbs.Validity));
        Assert.NotEqual(signing.Tbs.SerialNumber, encryption.Tbs.SerialNumber);
        Assert.Equal("030206C0", UsageOf(signing));
        Assert.Equal("03020338", UsageOf(encryption));
        Assert.Equal(PairScene.Of(key), signing.Tbs.SubjectPublicKeyInfo);

        // What the token finds in it is the key of the encryption certificate.
        using Sm2PrivateKey opened = PairScene.Open(pair.Envelope!, key);
        Assert.Equal(encryption.Tbs.SubjectPublicKeyInfo, PairScene.Of(opened));
        Assert.Equal("waiting", pair.Delivery);

        PairAnswer again = await request.AnsweredAsync();
        Assert.Equal(pair.Signing.Certificate, again.Signing.Certificate);
        Assert.Equal(pair.Encryption.Certificate, again.Encryption.Certificate);
        Assert.Equal(pair.Envelope, again.Envelope);
        Assert.Equal(InUse, await stage.KeyStateAsync(pair.Encryption.Serial));
        await AuditedAsync(stage);
    }

    [Fact]
    public async Task The_other_forms_of_the_envelope_hold_the_same_key()
    {
        await using PairStage stage = await PairStage.StartAsync();
        (PairAnswer pair, Sm2PrivateKey key) = await stage.IssueAsync();
        Assert.Null(pair.EnvelopedKeyBlob);
        PairAnswer all = await stage.ShowAsync(pair, "?forms=envelopedKeyBlob,csrResponse");
        EnvelopedKeyBlob blob = EnvelopedKeyBlob.Parse(all.EnvelopedKeyBlob);

        // SM4-ECB of 32 zero bytes and the key, as a token's firmware has it.
        using var sm4 = new Sm4(key.Decrypt(blob.Cipher.Raw.Span));
        byte[] whole = sm4.DecryptEcb(blob.EncryptedPrivateKey.Span, System.Security.Cryptography.PaddingMode.None);
        Assert.Equal(new byte[32], whole[..32]);
        using Sm2PrivateKey opened = PairScene.Open(pair.Envelope!, key);
        using var same = Sm2PrivateKey.FromBytes(whole.AsSpan(32));
        Assert.Equal(opened.PublicKey.ToBytes(), same.PublicKey.ToBytes());
        CsrResponse response = Der.Decode<CsrResponse>(all.CsrResponse);
        Assert.Equal(pair.Envelope, Der.Encode(response.EncryptedPrivateKey!));
        Assert.Equal(pair.Encryption.Certificate, Der.Encode(response.EncryptCertificates![0]));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.ShowAsync(pair, "?forms=pkcs12"));
        Assert.Equal(Refusal.Malformed, refused.Kind);
    }

    [Fact]
    public async Task After_the_receipt_nobody_has_the_envelope()
    {
        await using PairStage stage = await PairStage.StartAsync();
        Sm2PrivateKey key = stage.NewKey();
        PairStage.Asked request = stage.Ask(key);
        PairAnswer pair = await request.AnsweredAsync();

        using (Sm2PrivateKey other = Sm2PrivateKey.Generate())
        {
            await RefusedAsync(Refusal.BadSignature, () => ReceiveAsync(stage, pair, PairScene.Receipt(pair, other)));
        }

        PairAnswer changed = pair with { Envelope = [.. pair.Envelope!, 0] };
        await RefusedAsync(Refusal.NotApproved, () => ReceiveAsync(stage, pair, PairScene.Receipt(changed, key)));
        PairReceipt receipt = PairScene.Receipt(pair, key);
        Assert.Equal(pair.Envelope, (await stage.ShowAsync(pair)).Envelope);
        PairAnswer delivered = await ReceiveAsync(stage, pair, receipt);
        Assert.Equal(("delivered", null), (delivered.Delivery, delivered.Envelope));
        Assert.Equal("delivered", (await ReceiveAsync(stage, pair, receipt)).Delivery);
        PairAnswer again = await request.AnsweredAsync();
        Assert.Equal(pair.Signing.Certificate, again.Signing.Certificate);
        Assert.Equal(("delivered", null), (again.Delivery, again.Envelope));
        Assert.Null(await stage.Ca.Database.FindAsync<byte[]>("SELECT reply FROM pair_delivery", cancellationToken: PairStage.Token));

        // Nor among the answers that are kept for those who ask again.
        Assert.Equal(0, await stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM message_answer WHERE body LIKE '%envelope%'", cancellationToken: PairStage.Token));

        // The KMC is told, and has its hash only.
        await PairStage.UntilAsync(async () =>
        {
            await using Database kmc = stage.Kmc.OpenDatabase();
            return await kmc.FindAsync<long>("SELECT COUNT(*) FROM task WHERE reply IS NULL AND reply_hash IS NOT NULL", cancellationToken: PairStage.Token) == 1;
        });
        await AuditedAsync(stage);
    }

    [Fact]
    public async Task A_token_that_finds_another_key_ends_the_pair()
    {
        await using PairStage stage = await PairStage.StartAsync();
        (PairAnswer pair, Sm2PrivateKey key) = await stage.IssueAsync();
        PairReceipt receipt = PairScene.Receipt(pair, key, DeliveryOutcome.KeyMismatch);
        PairAnswer refused = await ReceiveAsync(stage, pair, receipt);
        Assert.Equal(("refused", "revoked", "revoked", null), (refused.Delivery, refused.Signing.State, refused.Encryption.State, refused.Envelope));
        await ReceiveAsync(stage, pair, receipt);
        Assert.Equal(2, stage.Ca.Logged.Split("the token found another key").Length);
        Assert.Contains("(PairRevoked)", stage.Ca.Logged, StringComparison.Ordinal);
        await PairStage.UntilAsync(async () => await stage.KeyStateAsync(pair.KeySerial) == History);
        await AuditedAsync(stage);
    }

    [Fact]
    public async Task A_token_that_finds_another_key_is_heard_also_when_the_envelope_is_withdrawn()
    {
        await using PairStage stage = await PairStage.StartAsync();
        (PairAnswer pair, Sm2PrivateKey key) = await stage.IssueAsync();
        await stage.ChangeAsync(pair.Signing, DecisionKind.Revoke, RevocationReason.CessationOfOperation);
        await RefusedAsync(Refusal.WrongState, () => ReceiveAsync(stage, pair, PairScene.Receipt(pair, key)));
        Assert.DoesNotContain("the token found another key", stage.Ca.Logged, StringComparison.Ordinal);
        await RefusedAsync(Refusal.WrongState, () => ReceiveAsync(stage, pair, PairScene.Receipt(pair, key, DeliveryOutcome.KeyMismatch)));
        Assert.Contains("(MismatchTooLate)", stage.Ca.Logged, StringComparison.Ordinal);
        await AuditedAsync(stage);
        Assert.Equal(1, await stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_search WHERE action = 'pair.mismatch'", cancellationToken: PairStage.Token));
    }

    [Fact]
    public async Task Status_is_that_of_both()
    {
        await using PairStage stage = await PairStage.StartAsync();
        (PairAnswer pair, _) = await stage.IssueAsync();
        await stage.ChangeAsync(pair.Encryption, DecisionKind.Suspend, RevocationReason.CertificateHold);
        await StatesAsync("held", "held");
        Assert.Null((await stage.ShowAsync(pair)).Envelope);
        await stage.ChangeAsync(pair.Signing, DecisionKind.Resume, RevocationReason.RemoveFromCrl);
        await StatesAsync("valid", "valid");
        await stage.ChangeAsync(pair.Signing, DecisionKind.Revoke, RevocationReason.AffiliationChanged);
        await StatesAsync("revoked", "revoked");
        await PairStage.UntilAsync(async () => await stage.KeyStateAsync(pair.KeySerial) == History);
        Assert.Equal(2, await stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM revocation WHERE reason = 3", cancellationToken: PairStage.Token));
        await AuditedAsync(stage);

        async Task StatesAsync(string signing, string encryption)
        {
            PairAnswer now = await stage.ShowAsync(pair);
            Assert.Equal((signing, encryption), (now.Signing.State, now.Encryption.State));
        }
    }

    [Fact]
    public async Task A_renewal_keeps_both_keys_and_a_new_signing_key_brings_a_new_encryption_key()
    {
        await using PairStage stage = await PairStage.StartAsync();
        string entity = CaStage.NewEntity();
        (PairAnswer pair, Sm2PrivateKey key) = await stage.IssueAsync(entity);
        await ReceiveAsync(stage, pair, PairScene.Receipt(pair, key));

        PairAnswer renewed = await stage.Follow(pair, DecisionKind.Renew, key, entity).AnsweredAsync();
        Assert.Equal(KeyOf(pair.Encryption), KeyOf(renewed.Encryption));
        Assert.Equal(("kept", null, pair.KeySerial), (renewed.Delivery, renewed.Envelope, renewed.KeySerial));
        Assert.Equal((pair.Signing.Serial, pair.Encryption.Serial), (renewed.Signing.Replaces, renewed.Encryption.Replaces));

        // The old pair ends; its key does not, for the new one has it.
        await stage.ChangeAsync(pair.Signing, DecisionKind.Revoke, RevocationReason.Superseded);
        Assert.Equal("valid", (await stage.ShowAsync(renewed)).Encryption.State);

        Sm2PrivateKey next = stage.NewKey();
        PairAnswer rekeyed = await stage.Follow(renewed, DecisionKind.Rekey, next, entity).AnsweredAsync();
        Assert.NotEqual(KeyOf(renewed.Encryption), KeyOf(rekeyed.Encryption));
        using Sm2PrivateKey opened = PairScene.Open(rekeyed.Envelope!, next);
        Assert.Equal(KeyOf(rekeyed.Encryption), PairScene.Of(opened));
        Assert.Equal(InUse, await stage.KeyStateAsync(pair.KeySerial));
        await stage.ChangeAsync(renewed.Signing, DecisionKind.Revoke, RevocationReason.Superseded);
        await PairStage.UntilAsync(async () => await stage.KeyStateAsync(pair.KeySerial) == History);
        Assert.Equal(InUse, await stage.KeyStateAsync(rekeyed.KeySerial));
        await AuditedAsync(stage);
    }

    [Fact]
    public async Task What_is_no_pair_is_refused()
    {
        await using PairStage stage = await PairStage.StartAsync();
        Sm2PrivateKey key = stage.NewKey();

        // Half of a pair, a pair of two halves of a kind, of two editions, of one half at the wrong address.
        IssueDraft draft = PairScene.Draft(stage.Ca.Scene.Issuers, key);
        DecidedRequest half = stage.Ca.Decide((draft with { Body = draft.Body with { Encryption = null } }).ToApplication(), csr: CaStage.Csr(key));
        await RefusedAsync(Refusal.OutOfScope, () => stage.Ca.Ra.PostAsync<CertificateAnswer>("/certificates", half));
        DecidedRequest pair = stage.Ca.Decide(draft.ToApplication(), csr: CaStage.Csr(key));
        await RefusedAsync(Refusal.Malformed, () => stage.Ca.Ra.PostAsync<CertificateAnswer>("/certificates", pair));
        await RefusedAsync(Refusal.Malformed, () => stage.Ca.Ra.PostAsync<PairAnswer>("/pairs", half));
        Assert.Equal(Refusal.OutOfScope, await stage.Ask(key, With("person-signing")).RefusedAsync());
        Assert.Equal(Refusal.OutOfScope, await stage.Ask(key, With("person-encryption-2023")).RefusedAsync());
        Assert.Equal(Refusal.OutOfScope, await stage.Ask(key, With("device-encryption")).RefusedAsync());
        Assert.Equal(Refusal.UnknownProfile, await stage.Ask(key, each => each with { Body = each.Body with { Encryption = new ProfileReference("person-encryption", new byte[32]) } }).RefusedAsync());
        Assert.DoesNotContain(await stage.RowsAsync(), row => row.Tbs is not null);
        await AuditedAsync(stage);

        static Func<IssueDraft, IssueDraft> With(string profile) => each =>
            each with { Body = each.Body with { Encryption = new ProfileReference(profile, ProfileCatalogue.Shipped[profile].Hash) } };
    }

    [Fact]
    public async Task A_lost_token_is_recovered_to_a_new_one()
    {
        await using PairStage stage = await PairStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.2", ["Ca:Crls:PublicationFolders:0"] = Directory.CreateTempSubdirectory().FullName } });
        string entity = CaStage.NewEntity();
        (PairAnswer lost, Sm2PrivateKey lostKey) = await stage.IssueAsync(entity);
        await ReceiveAsync(stage, lost, PairScene.Receipt(lost, lostKey));
        KeyOf(lost.Encryption).TryGetSm2Key(out Sm2PublicKey? escrowed);
        byte[] letter = escrowed!.Encrypt("给张三的密件"u8);

        // The old pair is revoked, the subscriber has a new one in a new token.
        await stage.ChangeAsync(lost.Signing, DecisionKind.Revoke, RevocationReason.CessationOfOperation);
        (PairAnswer fresh, Sm2PrivateKey freshKey) = await stage.IssueAsync(entity);
        await UntilOfficersCrlAsync(stage);

        Application application = PairScene.Recovery(lost, freshKey);
        DecidedRequest request = stage.Ca.Decide(application);
        PairAnswer recovered = await stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{lost.Id}/recovery", request);
        Assert.Equal(("waiting", fresh.Signing.Serial), (recovered.Delivery, recovered.Recipient));
        using Sm2PrivateKey opened = PairScene.Open(recovered.Envelope!, freshKey);
        Assert.Equal("给张三的密件"u8.ToArray(), opened.Decrypt(letter));
        Assert.Equal("delivered", (await ReceiveAsync(stage, recovered, PairScene.Receipt(recovered, freshKey))).Delivery);

        // Once: another request has to be decided anew. And to nobody else's key, and by two.
        await RefusedAsync(Refusal.NotApproved, () => stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{lost.Id}/recovery", request));
        (_, Sm2PrivateKey strangersKey) = await stage.IssueAsync();
        await RefusedAsync(Refusal.NotFound, () => RecoverAsync(stage, lost, PairScene.Recovery(lost, strangersKey)));
        await RefusedAsync(Refusal.NotApproved, () => RecoverAsync(stage, lost, PairScene.Recovery(fresh, freshKey)));
        DecidedRequest alone = stage.Ca.Decide(PairScene.Recovery(lost, freshKey), stage.Ca.Review, stage.Ca.Review);
        await RefusedAsync(Refusal.SecondOfficerRequired, () => stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{lost.Id}/recovery", alone));
        await AuditedAsync(stage);
    }

    [Fact]
    public async Task What_the_KMC_has_not_is_not_recovered_and_nobody_asks_for_ever()
    {
        await using PairStage stage = await PairStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.2", ["Ca:Crls:PublicationFolders:0"] = Directory.CreateTempSubdirectory().FullName } });
        string entity = CaStage.NewEntity();
        (PairAnswer lost, _) = await stage.IssueAsync(entity);
        (_, Sm2PrivateKey freshKey) = await stage.IssueAsync(entity);
        await UntilOfficersCrlAsync(stage);
        await using Database kmc = stage.Kmc.OpenDatabase();
        await kmc.WriteAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync("DROP TRIGGER key_binding_no_delete");
                await transaction.ExecuteAsync("DELETE FROM key_binding WHERE serial = @KeySerial", lost);
            },
            PairStage.Token);
        await RefusedAsync(Refusal.NotFound, () => RecoverAsync(stage, lost, PairScene.Recovery(lost, freshKey)));
    }

    private static Task UntilOfficersCrlAsync(PairStage stage) => PairStage.UntilAsync(async () => await stage.Ca.Database.FindAsync<long>(
        "SELECT COUNT(*) FROM crl WHERE state = 3 AND authority_id = (SELECT authority_id FROM authority WHERE name = 'ops-s1')", cancellationToken: PairStage.Token) > 0);

    private static Task<PairAnswer> RecoverAsync(PairStage stage, PairAnswer pair, Application application) =>
        stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/recovery", stage.Ca.Decide(application));

    private static Task<PairAnswer> ReceiveAsync(PairStage stage, PairAnswer pair, PairReceipt receipt) => stage.Ca.Ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", receipt);

    private static async Task RefusedAsync(Refusal expected, Func<Task> attempt)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(attempt);
        Assert.True(expected == refused.Kind, $"{refused.Kind} instead of {expected}: {refused.Message}");
    }

    /// <summary>The CA's own re-audit finds nothing about subscribers' certificates; those of the stage were ordered by nobody.</summary>
    internal static async Task AuditedAsync(PairStage stage)
    {
        ReauditCertificates reaudit = stage.Ca.App.Services.GetRequiredService<ReauditCertificates>();
        await PairStage.UntilAsync(async () => await stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: PairStage.Token) == 0);
        await reaudit.RunAsync(PairStage.Token);
        HashSet<string> serials = [.. (await stage.RowsAsync()).Select(row => row.Serial)];
        IReadOnlyList<(string ObjectId, string Detail)> found = await stage.Ca.Database.QueryAsync<(string, string)>("SELECT object_id, detail FROM reaudit_finding", cancellationToken: PairStage.Token);
        Assert.DoesNotContain(found, each => serials.Contains(each.ObjectId.Split('/')[^1]));
    }

    private static SubjectPublicKeyInfo KeyOf(CertificateAnswer certificate) => Der.Decode<Certificate>(certificate.Certificate!).Tbs.SubjectPublicKeyInfo;

    private static string UsageOf(Certificate certificate) => Convert.ToHexString(certificate.Tbs.Extensions!.First(each => each.Id == Oids.KeyUsage).Value.Span);
}
