using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Reaudit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Crls;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>POST /responders/{issuer}/renewal: a responder node's key is certified again, for seven more days.</summary>
public sealed class RenewResponderTests
{
    private const string Node = "ocsp-1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InTheLastThirdOfItsLife_TheKeyIsCertifiedAgain_AndARetryGetsTheSame()
    {
        var clock = new MovedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        using HttpClient link = await LinkAsync(stage);
        using var key = Sm2PrivateKey.Generate();
        Certificate old = await IssueAsync(stage, key);
        Assert.Equal(Der.Encode(old), await RenewAsync(stage, link, key));

        await PassAsync(stage, clock);
        byte[] bytes = await RenewAsync(stage, link, key);

        Certificate next = Der.Decode<Certificate>(bytes);
        Assert.Equal((old.Tbs.Subject, old.Tbs.SubjectPublicKeyInfo), (next.Tbs.Subject, next.Tbs.SubjectPublicKeyInfo));
        Assert.NotEqual(old.Tbs.SerialNumber, next.Tbs.SerialNumber);
        Assert.Equal(7, Math.Round((next.Tbs.Validity.NotAfter.Value - next.Tbs.Validity.NotBefore.Value).TotalDays));
        Assert.NotNull(next.Tbs.Extensions!.Find<OcspNoCheck>());

        // The new one is the newest from now on: whoever did not hear the answer gets it.
        Assert.Equal(bytes, await RenewAsync(stage, link, key));
        Assert.Equal(2, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state = 2 AND owner = 'system/ocsp-1'", cancellationToken: Token));
        await AuditedAsync(stage, next);
    }

    [Fact]
    public async Task ManyAtOnce_GetOne()
    {
        var clock = new MovedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        using HttpClient link = await LinkAsync(stage);
        using var key = Sm2PrivateKey.Generate();
        await IssueAsync(stage, key);
        await PassAsync(stage, clock);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await RenewAsync(stage, link, key);
            }
            catch (RefusalException e)
            {
                Assert.True(e.Kind == Refusal.InProgress, e.Message);
            }
        }));
        Assert.Equal(2, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state = 2 AND owner = 'system/ocsp-1'", cancellationToken: Token));
    }

    [Fact]
    public async Task WhoHasNoResponderCertificateThatHolds_GetsNone()
    {
        var clock = new MovedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        using HttpClient link = await LinkAsync(stage);
        using var key = Sm2PrivateKey.Generate();
        using var stranger = Sm2PrivateKey.Generate();
        await IssueAsync(stage, key);
        await PassAsync(stage, clock);

        await StageCommands.RefusedAsync(Refusal.NotFound, () => RenewAsync(stage, link, stranger));
        await StageCommands.RefusedAsync(Refusal.NotFound, () => RenewAsync(stage, link, key, "00"));
        await StageCommands.RefusedAsync(Refusal.NotFound, () => RenewAsync(stage, link, key, Convert.ToHexStringLower(stage.Scene.Issuers.Operations.KeyIdentifier.Span)));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => PostAsync(stage, link, [1, 2, 3]));
        byte[] csr = CaStage.Csr(key);
        csr[^1] ^= 1;
        await StageCommands.RefusedAsync(Refusal.BadCsr, () => PostAsync(stage, link, csr));

        // A revoked one is followed by none.
        await stage.RawAsync("UPDATE certificate SET state = 3, state_version = state_version + 1 WHERE owner = 'system/ocsp-1'");
        await StageCommands.RefusedAsync(Refusal.NotFound, () => RenewAsync(stage, link, key));
    }

    [Fact]
    public async Task OnlyResponders_AreHeard()
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = Sm2PrivateKey.Generate();
        X509Certificate2 kmc = await stage.IssueLinkAsync("kmc-7");
        await stage.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaStage.Actor, kmc, "kmc-7", ClientKind.Kmc, Token);
        using HttpClient link = stage.CreateClient(kmc);
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => RenewAsync(stage, link, key));
    }

    /// <summary>Five days, after which the log has to come up to the clock first.</summary>
    private static async Task PassAsync(CaStage stage, MovedTime clock)
    {
        clock.Pass(TimeSpan.FromDays(5));
        AuditGate gate = stage.App.Services.GetRequiredService<AuditGate>();
        await Pairs.PairStage.UntilAsync(async () =>
        {
            try
            {
                await gate.RequireAsync(Token);
                return true;
            }
            catch (RefusalException e) when (e.Kind == Refusal.AuditUnavailable)
            {
                return false;
            }
        });
    }

    private static async Task<HttpClient> LinkAsync(CaStage stage)
    {
        X509Certificate2 link = await stage.IssueLinkAsync(Node);
        await stage.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaStage.Actor, link, Node, ClientKind.Ocsp, Token);
        return stage.CreateClient(link);
    }

    /// <summary>As if a ceremony had certified it.</summary>
    private static async Task<Certificate> IssueAsync(CaStage stage, Sm2PrivateKey key)
    {
        var body = new CertificateBody
        {
            Profile = "ocsp-node",
            ProfileHash = ProfileCatalogue.Shipped["ocsp-node"].Hash,
            Issuer = stage.Scene.Issuers.Subscribers.KeyIdentifier,
            Entity = Node,
            Subject = [new SubjectAttributeText(Oids.OrganizationName, "某省密码管理局"), new SubjectAttributeText(Oids.CommonName, Node)],
            SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            Days = 7,
            Evidence = Sm3.HashData([]),
        };
        byte[] bytes = Der.Encode(body);
        CertificateRow row = await stage.App.Services.GetRequiredService<IssueCertificate>().RunAsync(
            new IssuanceOrder
            {
                Requester = IssuanceOrder.Command,
                Reference = Node,
                Kind = (short)DecisionKind.Command,
                RequestId = Node,
                Actor = CaStage.Actor,
                Owner = $"{IssuanceOrder.SystemOwner}/{Node}",
                Region = RegionCode.Nation.Value,
                Body = body,
                Application = bytes,
                Digest = Sm3.HashData(bytes),
            },
            Token);
        return row.FindCertificate()!;
    }

    private static Task<byte[]> RenewAsync(CaStage stage, HttpClient link, Sm2PrivateKey key, string? issuer = null) => PostAsync(stage, link, CaStage.Csr(key), issuer);

    private static async Task<byte[]> PostAsync(CaStage stage, HttpClient link, byte[] csr, string? issuer = null)
    {
        issuer ??= Convert.ToHexStringLower(stage.Scene.Issuers.Subscribers.KeyIdentifier.Span);
        using var content = new ByteArrayContent(csr) { Headers = { ContentType = new MediaTypeHeaderValue(LinkRenewal.RequestType) } };
        using HttpResponseMessage response = await link.PostAsync(new Uri($"/responders/{issuer}/renewal", UriKind.Relative), content, Token);
        await response.ThrowIfRefusedAsync(Token);
        return await response.Content.ReadAsByteArrayAsync(Token);
    }

    /// <summary>The re-audit knows why it was issued.</summary>
    private static async Task AuditedAsync(CaStage stage, Certificate certificate)
    {
        await Pairs.PairStage.UntilAsync(async () => await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token) == 0);
        await stage.App.Services.GetRequiredService<ReauditCertificates>().RunAsync(Token);
        IReadOnlyList<(string ObjectId, string Detail)> found = await stage.Database.QueryAsync<(string, string)>("SELECT object_id, detail FROM reaudit_finding", cancellationToken: Token);
        Assert.DoesNotContain(found, each => each.ObjectId.EndsWith(certificate.Tbs.SerialNumber.ToString(), StringComparison.Ordinal));
    }
}
