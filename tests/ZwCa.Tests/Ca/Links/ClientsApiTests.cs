using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ca.Links;

/// <summary>Which links are registered, and who may know.</summary>
public sealed class ClientsApiTests
{
    [Fact]
    public async Task OfficersWhoDecideOrWatch_SeeTheLinksOfTheirRegions_PageByPage()
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CommandAnswer ordered = await stage.CommandAsync(ClientActions.Register, RegionCode.Nation.Value, Der.Encode(stage.Link("kmc", LinkKind.Kmc, key)));
        CertificateAnswer certificate = ordered.Order!.Certificate!;
        string thumbprint = Convert.ToHexStringLower(SHA256.HashData(certificate.Certificate!));

        IReadOnlyList<ClientAnswer> all = await ListAsync(stage.Audit);
        Assert.Equal(all.Select(each => each.Thumbprint).Order(StringComparer.Ordinal), all.Select(each => each.Thumbprint));
        ClientAnswer kmc = Assert.Single(all, each => each.Entity == "kmc");
        Assert.Equal((thumbprint, "kmc", "enabled", certificate.Serial), (kmc.Thumbprint, kmc.Kind, kmc.State, kmc.Serial));
        Assert.Equal(certificate.NotAfter, kmc.NotAfter);
        Assert.Equal("ra", Assert.Single(all, each => each.Entity == CaStage.RaName).Kind);
        Assert.Contains(all, each => each.Kind == "officer" && each.Entity == Convert.ToHexStringLower(stage.Entry.Identity.Person.Span));
        Assert.Equal(all.Select(each => each.Thumbprint), (await ListAsync(stage.FirstAdministrator, rows: 3)).Select(each => each.Thumbprint));

        // A row that somebody spoilt keeps nobody from seeing the others.
        await stage.RawAsync(
            "INSERT INTO registered_client (thumbprint, name, kind, enabled, registered_at, changed_at) SELECT @Thumbprint, 'nobody', kind, 0, 1, 1 FROM registered_client WHERE name = @Entry",
            new { Thumbprint = new string('0', 64), Entry = Convert.ToHexStringLower(stage.Entry.Identity.Person.Span) });
        Assert.Equal(all.Count + 1, (await ListAsync(stage.Audit)).Count);
        await stage.RawAsync("DELETE FROM registered_client WHERE name = 'nobody'");

        // A province's administrator sees what is his province's.
        StageOfficer provincial = await stage.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaStage.Province);
        IReadOnlyList<ClientAnswer> own = await ListAsync(provincial, rows: 2);
        Assert.Contains(own, each => each.Entity == CaStage.RaName);
        Assert.Contains(own, each => each.Entity == Convert.ToHexStringLower(stage.Entry.Identity.Person.Span));
        Assert.DoesNotContain(own, each => each.Kind == "kmc" || each.Entity == Convert.ToHexStringLower(stage.Stranger.Identity.Person.Span));

        // Closed, and closed for good.
        await stage.ProposeAsync(
            stage.FirstAdministrator, StageCommands.Command(ClientActions.Disable, RegionCode.Nation.Value, Der.Encode(new ClientSwitch(SHA256.HashData(certificate.Certificate!), "检修"))));
        Assert.Equal("disabled", (await ListAsync(stage.Super)).Single(each => each.Entity == "kmc").State);
        await stage.CommandAsync(
            ZwCa.Ca.Bulk.CertificateActions.Revoke,
            RegionCode.Nation.Value,
            Der.Encode(new StatusBody(
                new CertificateReference(Convert.FromHexString(certificate.Issuer), ZwCa.Asn1.Pkix.SerialNumber.Parse(certificate.Serial)), ZwCa.Asn1.Pkix.RevocationReason.KeyCompromise)));
        Assert.Equal("revoked", (await ListAsync(stage.Super)).Single(each => each.Entity == "kmc").State);

        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.Entry.GetAsync<ClientPage>("/clients"));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.Ra.GetAsync<ClientPage>("/clients"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Audit.GetAsync<ClientPage>("/clients?after=x"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Audit.GetAsync<ClientPage>("/clients?rows=0"));
    }

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    /// <summary>An order ends, and opens a link, while an administrator disables its RA.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ALinkThatIsOpenedWhileItsRaIsDisabled_IsClosedWithIt(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        ClientStore clients = stage.App.Services.GetRequiredService<ClientStore>();
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task order = stage.Database.WriteAsync(
            async transaction =>
            {
                Assert.True(await RaStore.HoldEnabledAsync(transaction, CaStage.RaName));
                await clients.RegisterAsync(transaction, CaStage.Actor, new string('a', 64), CaStage.RaName, ClientKind.Ra);
                opened.TrySetResult();
                if (kind != DatabaseKind.Sqlite)
                {
                    // There one writes at a time anyway, and awaits nothing.
                    await Task.Delay(1000, TestContext.Current.CancellationToken);
                }
            },
            TestContext.Current.CancellationToken);
        await opened.Task;
        await stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(RaActions.Disable, CaStage.Province, Der.Encode(new RaSwitch(CaStage.RaName, "整改"))));
        await order;

        Assert.DoesNotContain(await clients.ListAsync("", 100, TestContext.Current.CancellationToken), each => each.Name == CaStage.RaName && each.Enabled);
        Assert.False(await stage.Database.WriteAsync(transaction => RaStore.HoldEnabledAsync(transaction, CaStage.RaName), TestContext.Current.CancellationToken));
    }

    /// <summary>The device was away when two officers ordered a link; when it is back, the RA is out.</summary>
    [Fact]
    public async Task AnOrderedLinkOfAnRaThatWasDisabledMeanwhile_IsNeverOpened()
    {
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = "00:00:01" } });
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "As the test wants it.");
        CommandAnswer ordered = await stage.CommandAsync(ClientActions.Register, CaStage.Province, Der.Encode(stage.Link(CaStage.RaName, LinkKind.Ra, key)));
        Assert.Equal("waiting", ordered.Order!.State);
        await stage.ProposeAsync(stage.FirstAdministrator, StageCommands.Command(RaActions.Disable, CaStage.Province, Der.Encode(new RaSwitch(CaStage.RaName, "整改"))));
        stage.Hsm.Fault = signatures => signatures;

        CommandAnswer ended;
        while ((ended = await stage.FirstAdministrator.GetAsync<CommandAnswer>($"/commands/{ordered.Id}")).Order!.State == "waiting")
        {
            await stage.App.Services.GetRequiredService<RunOrders>().RunAsync(TestContext.Current.CancellationToken);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Equal("issued", ended.Order!.State);
        ClientAnswer link = Assert.Single(await ListAsync(stage.Super), each => each.Entity == CaStage.RaName);
        Assert.Equal("disabled", link.State);
        Assert.NotEqual(ended.Order.Certificate!.Serial, link.Serial);
    }

    private static async Task<IReadOnlyList<ClientAnswer>> ListAsync(StageOfficer officer, int rows = 100)
    {
        var all = new List<ClientAnswer>();
        string? next = null;
        do
        {
            ClientPage page = await officer.GetAsync<ClientPage>($"/clients?rows={rows}{(next is null ? "" : $"&after={next}")}");
            Assert.True(page.Clients.Count <= rows);
            all.AddRange(page.Clients);
            next = page.Next;
        }
        while (next is not null);
        return all;
    }
}
