using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Links;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ca.Certificates;

/// <summary>Somebody can write into the database, and has no keys: nothing is signed by that, and nobody believed.</summary>
public sealed class ForgedRowTests
{
    private static readonly string[] Tables = ["decision", "approval", "subject_owner", "key_owner"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("nothing", true)]
    [InlineData("another key", false)]
    [InlineData("no decision", false)]
    [InlineData("no approval", false)]
    [InlineData("decided long ago", false)]
    public async Task AnIntention_IsSignedLater_OnlyAsItWasDecided(string forged, bool isSigned)
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = Sm2PrivateKey.Generate();
        IssueDraft draft = stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.");
        await StageCommands.RefusedAsync(
            Refusal.Unavailable, () => stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Decide(draft.ToApplication(), csr: CaStage.Csr(key))));
        stage.Hsm.Fault = signatures => signatures;
        CertificateRow row = await OnlyAsync(stage);

        await AllowTamperingAsync(stage);
        switch (forged)
        {
            case "another key":
                row = await WithOtherKeyAsync(stage, row, draft.Body);
                break;
            case "no decision":
                await stage.RawAsync("DELETE FROM decision WHERE certificate_id = @CertificateId", row);
                break;
            case "no approval":
                await stage.RawAsync("UPDATE approval SET approval = (SELECT MAX(approval) FROM approval)");
                break;
            case "decided long ago":
                await stage.RawAsync("UPDATE decision SET decided_at = decided_at - 2764800000");
                break;
        }

        long before = await SignaturesAsync(stage);
        Task<CertificateRow> finish = stage.App.Services.GetRequiredService<FinishIssuance>().RunAsync(
            row, CaStage.Actor, asked: false, static (_, _) => Task.CompletedTask, Token);
        if (isSigned)
        {
            Assert.Equal(CertificateState.Valid, (await finish).State);
            return;
        }

        await StageCommands.RefusedAsync(Refusal.WrongState, () => finish);
        Assert.Equal(before, await SignaturesAsync(stage));
        CertificateRow after = await OnlyAsync(stage);
        Assert.Equal(CertificateState.Revoked, after.State);
        Assert.Null(after.Signature);
    }

    /// <summary>That a link asked for its follower, no row proves: it is signed once the link asks again, and only what follows from the link.</summary>
    [Fact]
    public async Task ALinksFollower_IsSignedForTheLinkItself_AndAsItsOwnCertificateSays()
    {
        await using CaStage stage = await CaStage.StartAsync();
        X509Certificate2 old = await stage.IssueLinkAsync("ocsp-1", DateTimeOffset.UtcNow.AddDays(-61));
        ClientStore clients = stage.App.Services.GetRequiredService<ClientStore>();
        await clients.RegisterAsync(CaStage.Actor, old, "ocsp-1", ClientKind.Ocsp, Token);
        RegisteredClient client = (await clients.FindAsync(ClientStore.ThumbprintOf(old), Token))!;
        RenewLink renewal = stage.App.Services.GetRequiredService<RenewLink>();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.");
        await Assert.ThrowsAsync<HsmException>(() => renewal.RunAsync(old, client, StageCommands.Csr(key), Token));
        stage.Hsm.Fault = signatures => signatures;
        CertificateRow row = (await stage.Database.QueryAsync<CertificateRow>($"SELECT {CertificateRow.Columns} FROM certificate WHERE state = 1", cancellationToken: Token)).Single();
        FinishIssuance finish = stage.App.Services.GetRequiredService<FinishIssuance>();

        await StageCommands.RefusedAsync(Refusal.InProgress, () => finish.RunAsync(row, CaStage.Actor, asked: false, static (_, _) => Task.CompletedTask, Token));

        // As if it had asked for another's name.
        await AllowTamperingAsync(stage);
        byte[] genuine = (await stage.Database.FindAsync<byte[]>("SELECT application FROM decision WHERE certificate_id = @CertificateId", row, Token))!;
        byte[] other = Der.Encode(Der.Decode<CertificateBody>(genuine) with { Names = [new DnsName("ca.example.gov.cn")] });
        await stage.RawAsync("UPDATE decision SET application = @Other, application_digest = @Digest WHERE kind = 0", new { Other = other, Digest = Sm3.HashData(other) });
        await StageCommands.RefusedAsync(Refusal.Duplicate, () => renewal.RunAsync(old, client, StageCommands.Csr(key), Token));

        await stage.RawAsync("UPDATE decision SET application = @Genuine, application_digest = @Digest WHERE kind = 0", new { Genuine = genuine, Digest = Sm3.HashData(genuine) });
        Assert.Equal(row.Tbs, Der.Decode<Certificate>(await renewal.RunAsync(old, client, StageCommands.Csr(key), Token)).TbsBytes.ToArray());
    }

    [Theory]
    [InlineData("signature = tbs", Refusal.BadSignature)]
    [InlineData("not_after = 1", Refusal.NotAllowed)]
    public async Task WhoSpeaksForAnRa_HasACertificateThatTheCaSignedAndThatIsValidNow(string change, Refusal expected)
    {
        await using CaStage stage = await CaStage.StartAsync();
        await stage.RawAsync($"UPDATE certificate SET {change} WHERE serial = @Serial", new { Serial = stage.Ra.Signer.Sender.ToString() });

        await StageCommands.RefusedAsync(expected, () => stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Scene.NewRequest()));
    }

    /// <summary>Whatever the table of scopes says.</summary>
    [Fact]
    public async Task AnOfficersProfile_IsNeverAnRas()
    {
        await using CaStage stage = await CaStage.StartAsync();
        await stage.RawAsync("INSERT INTO ra_scope (ra_name, profile, authority_id) SELECT @Name, 'service-signer', authority_id FROM authority", new { stage.Ra.Name });
        using var key = Sm2PrivateKey.Generate();
        IssueDraft draft = stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        draft = draft with { Body = draft.Body with { Profile = "service-signer", ProfileHash = ProfileCatalogue.Shipped["service-signer"].Hash, Names = [], Issuer = stage.Operations.KeyIdentifier } };

        await StageCommands.RefusedAsync(
            Refusal.OutOfScope, () => stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Decide(draft.ToApplication(), csr: CaStage.Csr(key))));
    }

    /// <summary>One decision, many nodes: each gets the certificate, or hears that it is being made; never that the decision is spent, which would be kept for ever.</summary>
    [Fact]
    public async Task TheSameOrderAtOnce_IsIssuedOnce_AndNeverCalledSpent()
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateBody body = stage.Link("ocsp-2", LinkKind.Ocsp, key).Order.Body;
        byte[] bytes = Der.Encode(body);
        var order = new IssuanceOrder
        {
            Requester = IssuanceOrder.Link,
            Reference = new string('0', 64),
            Kind = IssuanceOrder.Renewal,
            RequestId = new string('0', 64),
            Actor = CaStage.Actor,
            Owner = "system/ocsp-2",
            Region = RegionCode.Nation.Value,
            Body = body,
            Application = bytes,
            Digest = Sm3.HashData(bytes),
        };
        IssueCertificate issuance = stage.App.Services.GetRequiredService<IssueCertificate>();

        Refusal?[] outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            try
            {
                await issuance.RunAsync(order, Token);
                return (Refusal?)null;
            }
            catch (RefusalException e)
            {
                return e.Kind;
            }
        })));

        Assert.Contains(null, outcomes);
        Assert.All(outcomes, each => Assert.True(each is null or Refusal.InProgress, each.ToString()));
        Assert.Equal(1, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE owner = @Owner AND tbs IS NOT NULL", order, Token));
    }

    private static async Task AllowTamperingAsync(CaStage stage)
    {
        foreach (string table in Tables)
        {
            await stage.RawAsync($"DROP TRIGGER {table}_no_update");
            await stage.RawAsync($"DROP TRIGGER {table}_no_delete");
        }
    }

    /// <summary>Bytes that this CA would build, with all columns and owners as they would be; only the key is somebody else's.</summary>
    private static async Task<CertificateRow> WithOtherKeyAsync(CaStage stage, CertificateRow row, CertificateBody body)
    {
        using var other = Sm2PrivateKey.Generate();
        PreparedCertificate prepared = stage.Authorities[row.AuthorityId].Issuer.Prepare(IssueCertificate.RequestOf(
            body with { SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(other.PublicKey.ToBytes()) },
            row.Serial,
            ProfileCatalogue.Shipped["tls-server"],
            await stage.Database.ReadAsync(transaction => stage.App.Services.GetRequiredService<Places>().OfAsync(transaction, row.Region), Token),
            row.NotBefore!.Value));
        byte[] keyHash = Sm3.HashData(Der.Encode(prepared.Tbs.SubjectPublicKeyInfo));
        await stage.RawAsync("INSERT INTO key_owner (key_hash, owner) VALUES (@Hash, @Owner)", new { Hash = keyHash, row.Owner });
        await stage.RawAsync(
            "UPDATE certificate SET tbs = @Tbs, key_hash = @Hash WHERE certificate_id = @CertificateId", new { Tbs = prepared.TbsBytes.ToArray(), Hash = keyHash, row.CertificateId });
        return await OnlyAsync(stage);
    }

    private static async Task<CertificateRow> OnlyAsync(CaStage stage) => Assert.Single(await stage.Database.QueryAsync<CertificateRow>(
        $"SELECT {CertificateRow.Columns} FROM certificate WHERE ra_name = @Name", new { stage.Ra.Name }, Token));

    /// <summary>Of the CA's key.</summary>
    private static async Task<long> SignaturesAsync(CaStage stage) => await stage.Hsm.GetSignatureCountAsync((await stage.Hsm.FindKeyAsync(new KeyLabel("sub-ca"), Token))!, Token);
}
