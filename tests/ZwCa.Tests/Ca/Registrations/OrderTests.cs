using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>Certificates that officers order: officers', systems', links.</summary>
public sealed class OrderTests(SharedStage shared) : IClassFixture<SharedStage>
{
    private CaStage Stage => shared.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOfficerIsCertified_Created_AndRevokedWhenHeIsDisabled()
    {
        byte[] person = await Stage.PersonAsync();
        var identity = new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.County);
        (CommandAnswer ordered, Sm2PrivateKey key) = await Stage.OrderOfficerAsync(identity);
        using Sm2PrivateKey owned = key;
        byte[] certificate = ordered.Order!.Certificate!.Certificate!;
        Assert.Equal(identity, Der.Decode<Certificate>(certificate).Tbs.Extensions!.Find<OfficerIdentity>());
        await Stage.CommandAsync(OfficerActions.Create, CaStage.County, certificate);
        OfficerPage page = await Stage.FirstAdministrator.GetAsync<OfficerPage>($"/officers?region={CaStage.County}");
        OfficerAnswer shown = Assert.Single(page.Officers);
        Assert.Equal((ordered.Order.Certificate.Serial, "李*", true), (shown.Certificate, shown.Name, shown.Enabled));
        Assert.Matches("^[0-9]{6}[*]{8}[0-9X]{4}$", shown.IdNumber);

        var serial = SerialNumber.Parse(ordered.Order.Certificate.Serial);

        // Not past those above him.
        Application revoke = StageCommands.Command(
            CertificateActions.Revoke, RegionCode.Nation.Value, Der.Encode(new StatusBody(new CertificateReference(Stage.Operations.KeyIdentifier, serial), RevocationReason.Superseded)));
        await Stage.ProposeAsync(Stage.FirstAdministrator, revoke);
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.ApproveAsync(Stage.SecondAdministrator, revoke));
        Application disable = StageCommands.Command(OfficerActions.Disable, CaStage.County, Der.Encode(new OfficerChange(serial, "调离岗位")));
        await Stage.ProposeAsync(Stage.FirstAdministrator, disable);

        CertificateRow row = (await Stage.Database.ReadAsync(
            transaction => CertificateStore.FindAsync(transaction, Stage.Authorities.Operations.Id, serial.ToString()), Token))!;
        Assert.Equal(CertificateState.Revoked, row.State);
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => Stage.Stranger.GetAsync<OfficerPage>($"/officers?region={CaStage.Province}"));
    }

    [Fact]
    public async Task OneHumanIsOnePerson_AndHoldsOneOffice()
    {
        string number = CaStage.NewIdNumber().Reveal();
        byte[] person = await Stage.PersonAsync(number);
        Assert.Equal(person, await Stage.PersonAsync(number));
        (CommandAnswer ordered, Sm2PrivateKey key) = await Stage.OrderOfficerAsync(new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City));
        using Sm2PrivateKey owned = key;
        await Stage.CommandAsync(OfficerActions.Create, CaStage.City, ordered.Order!.Certificate!.Certificate!);

        // Another region; another kind; himself again by a second certificate.
        using var second = Sm2PrivateKey.Generate();
        string entity = Convert.ToHexStringLower(person);
        await Stage.RefusedAsync(
            Refusal.Duplicate,
            OrderActions.Order,
            CaStage.Province,
            StageCommands.Order(Stage.Body("officer", entity, second, new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.Province)), second));
        Application auditor = StageCommands.Command(
            OrderActions.Order, CaStage.City, StageCommands.Order(Stage.Body("officer", entity, second, new OfficerIdentity(person, OfficerKind.Auditor, RoleCatalogue.Auditor, CaStage.City)), second));
        await StageCommands.RefusedAsync(Refusal.RolesNotDisjoint, () => Stage.ProposeAsync(Stage.Audit, auditor));
        (CommandAnswer again, Sm2PrivateKey thirdKey) = await Stage.OrderOfficerAsync(new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City));
        using Sm2PrivateKey third = thirdKey;
        await Stage.RefusedAsync(Refusal.Duplicate, OfficerActions.Create, CaStage.City, again.Order!.Certificate!.Certificate!);
    }

    [Fact]
    public async Task AnOrderNamesWhatTheTwoMayOrder()
    {
        using var key = Sm2PrivateKey.Generate();
        using var other = Sm2PrivateKey.Generate();
        byte[] person = await Stage.PersonAsync();
        string entity = Convert.ToHexStringLower(person);
        var identity = new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City);
        CertificateBody officer = Stage.Body("officer", entity, key, identity);
        string nation = RegionCode.Nation.Value;
        foreach ((Refusal refusal, string region, CertificateBody body) in new[]
        {
            (Refusal.UnknownProfile, CaStage.City, officer with { ProfileHash = new byte[32] }),
            (Refusal.OutOfScope, CaStage.City, officer with { Issuer = Stage.Hierarchy.Sub.KeyIdentifier }),
            (Refusal.OutOfScope, CaStage.City, officer with { Issuer = new byte[20] }),
            (Refusal.Malformed, CaStage.City, officer with { Officer = null }),
            (Refusal.Malformed, CaStage.City, officer with { Replaces = new CertificateReference(Stage.Operations.KeyIdentifier, SerialNumber.Parse("7f01")) }),
            (Refusal.SubjectNotAllowed, CaStage.City, officer with { Entity = CaStage.NewEntity() }),
            (Refusal.OutOfScope, CaStage.Province, officer),
            (Refusal.NotAllowed, CaStage.City, officer with { Officer = new OfficerIdentity(person, OfficerKind.Administrator, RoleCatalogue.BusinessAdministrator, CaStage.City) }),
            (Refusal.NotAllowed, CaStage.City, officer with { Officer = new OfficerIdentity(person, OfficerKind.Operator, "无此角色", CaStage.City) }),
            (Refusal.NotFound, CaStage.City, officer with { Officer = new OfficerIdentity(new byte[16], OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City), Entity = new string('0', 32) }),
            (Refusal.UnknownProfile, nation, Stage.Body("sub-ca", entity, key)),
            (Refusal.OutOfScope, nation, Stage.Body("link", entity, key) with { Issuer = Stage.Hierarchy.System.KeyIdentifier }),
            (Refusal.Malformed, CaStage.City, Stage.Body("tls-server", entity, key, identity) with { Issuer = Stage.Hierarchy.Sub.KeyIdentifier }),
            (Refusal.NotAllowed, CaStage.City, Stage.Body("person-encryption", entity, key) with { Issuer = Stage.Hierarchy.Sub.KeyIdentifier }),
            (Refusal.NotFound, CaStage.Province, Stage.Body("ra-system", CaStage.NewEntity(), key)),
            (Refusal.OutOfScope, CaStage.Province, Stage.Body("service-signer", entity, key)),
            (Refusal.OutOfScope, "370000", Stage.Body("tls-server", entity, key) with { Issuer = Stage.Hierarchy.Sub.KeyIdentifier }),
        })
        {
            await Stage.RefusedAsync(refusal, OrderActions.Order, region, StageCommands.Order(body, key));
        }

        // The key that is proven is the one that was decided about.
        await Stage.RefusedAsync(Refusal.NotApproved, OrderActions.Order, CaStage.City, StageCommands.Order(officer, other));
        CertificationRequest request = Der.Decode<CertificationRequest>(CaStage.Csr(key));
        byte[] broken = Der.Encode(new CertificateOrder(officer, CertificationRequest.Assemble(request.InfoBytes, request.SignatureAlgorithm, Der.Decode<CertificationRequest>(CaStage.Csr(other)).Signature)));
        await Stage.RefusedAsync(Refusal.BadCsr, OrderActions.Order, CaStage.City, broken);
        await Stage.RefusedAsync(Refusal.Malformed, OrderActions.Order, CaStage.City, [0x05, 0x00]);

        // Of another RA's region nobody orders the certificate by which it speaks.
        RegistrationAuthorityAnswer ra = (await Stage.FirstAdministrator.GetAsync<RegistrationAuthorityAnswer[]>("/registration-authorities")).Single(each => each.Name == CaStage.RaName);
        await Stage.RefusedAsync(Refusal.OutOfScope, OrderActions.Order, CaStage.OtherProvince, StageCommands.Order(Stage.Body("ra-system", ra.Entity, key), key));
    }

    [Fact]
    public async Task ALinkIsOfWhomItSays()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string nation = RegionCode.Nation.Value;
        string person = Convert.ToHexStringLower(await Stage.PersonAsync());
        ClientRegistration kmc = Stage.Link("kmc-1", LinkKind.Kmc, key);
        foreach ((Refusal refusal, string region, ClientRegistration registration) in new[]
        {
            (Refusal.OutOfScope, CaStage.Province, kmc),
            (Refusal.SubjectNotAllowed, nation, new ClientRegistration("kmc-2", LinkKind.Kmc, kmc.Order)),
            (Refusal.SubjectNotAllowed, nation, Answering(kmc, new DnsName("ca.example.gov.cn"))),
            (Refusal.SubjectNotAllowed, nation, Answering(kmc, new DnsName("kmc-1.example.gov.cn"), new DnsName("kmc-10.example.gov.cn"))),
            (Refusal.SubjectNotAllowed, CaStage.Province, Answering(Stage.Link(CaStage.RaName, LinkKind.Ra, key), new IpAddress(new byte[] { 10, 1, 2, 3 }))),
            (Refusal.Malformed, nation, new ClientRegistration("KMC", LinkKind.Kmc, kmc.Order)),
            (Refusal.UnknownProfile, nation, new ClientRegistration(person, LinkKind.Officer, kmc.Order)),
            (Refusal.UnknownProfile, nation, new ClientRegistration(person, LinkKind.Kmc, Stage.Link(person, LinkKind.Officer, key).Order)),
            (Refusal.Malformed, nation, new ClientRegistration("kmc-1", LinkKind.Officer, kmc.Order)),
            (Refusal.NotFound, nation, Stage.Link(new string('0', 32), LinkKind.Officer, key)),
            (Refusal.NotFound, nation, Stage.Link("ra-none", LinkKind.Ra, key)),
            (Refusal.OutOfScope, CaStage.OtherProvince, Stage.Link(CaStage.RaName, LinkKind.Ra, key)),
        })
        {
            await Stage.RefusedAsync(refusal, ClientActions.Register, region, Der.Encode(registration));
        }

        // Issued, known, closed by one officer, opened by two.
        CommandAnswer linked = await Stage.CommandAsync(ClientActions.Register, nation, Der.Encode(kmc));
        byte[] thumbprint = SHA256.HashData(linked.Order!.Certificate!.Certificate!);
        ClientStore clients = Stage.App.Services.GetRequiredService<ClientStore>();
        RegisteredClient client = (await clients.FindAsync(Convert.ToHexStringLower(thumbprint), Token))!;
        Assert.Equal(("kmc-1", ClientKind.Kmc, true), (client.Name, client.Kind, client.Enabled));
        await Stage.ProposeAsync(Stage.FirstAdministrator, StageCommands.Command(ClientActions.Disable, nation, Der.Encode(new ClientSwitch(thumbprint, "私钥遗失"))));
        Assert.False((await clients.FindAsync(client.Thumbprint, Token))!.Enabled);
        await Stage.RefusedAsync(Refusal.WrongState, ClientActions.Disable, nation, Der.Encode(new ClientSwitch(thumbprint, "私钥遗失")));
        await Stage.RefusedAsync(Refusal.NotFound, ClientActions.Disable, nation, Der.Encode(new ClientSwitch(new byte[32], "私钥遗失")));
        await Stage.CommandAsync(ClientActions.Enable, nation, Der.Encode(new ClientSwitch(thumbprint, "找到")));
        Assert.True((await clients.FindAsync(client.Thumbprint, Token))!.Enabled);

        // Whose certificate is revoked is closed with it, and for good.
        CertificateAnswer link = linked.Order.Certificate;
        byte[] revocation = Der.Encode(new StatusBody(new CertificateReference(Convert.FromHexString(link.Issuer), SerialNumber.Parse(link.Serial)), RevocationReason.KeyCompromise));
        await Stage.CommandAsync(CertificateActions.Revoke, nation, revocation);
        Assert.False((await clients.FindAsync(client.Thumbprint, Token))!.Enabled);
        await Stage.RefusedAsync(Refusal.AlreadyRevoked, ClientActions.Enable, nation, Der.Encode(new ClientSwitch(thumbprint, "找到")));
    }

    /// <summary>Under other names.</summary>
    private static ClientRegistration Answering(ClientRegistration registration, params GeneralName[] names) =>
        new(registration.Name, registration.Kind, new CertificateOrder(registration.Order.Body with { Names = names }, registration.Order.Request));

    [Fact]
    public async Task WhatWasRefusedAfterwards_SaysSo()
    {
        // Longer than the profile allows: only the issuing itself looks at that.
        using var key = Sm2PrivateKey.Generate();
        byte[] person = await Stage.PersonAsync();
        CertificateBody body = Stage.Body(
            "officer", Convert.ToHexStringLower(person), key, new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City)) with { Days = 5000 };

        CommandAnswer answer = await Stage.CommandAsync(OrderActions.Order, CaStage.City, StageCommands.Order(body, key));

        Assert.Equal(("done", "refused", nameof(Refusal.ValidityTooLong)), (answer.State, answer.Order!.State, answer.Order.Refusal));
        Assert.NotNull(answer.Order.Detail);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhileTheDeviceIsAway_AnOrderWaits_AndIsDoneAfterwards(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind);
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        IHsm? device = null;
        await using CaStage stage = await CaStage.StartAsync(new CaSetup
        {
            Database = test.Options,
            Time = clock,
            Add = builder => builder.Services.AddSingleton(device = FailingHsm.Create((IHsm)builder.Services.Last(each => each.ServiceType == typeof(IHsm)).ImplementationInstance!)),
        });
        byte[] person = await stage.PersonAsync();
        var identity = new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City);
        ((FailingHsm)(object)device!).IsAway = true;
        using var key = Sm2PrivateKey.Generate();
        Application order = new(
            DecisionKind.Command,
            CaStage.Name,
            CaStage.Name,
            CaStage.City,
            Convert.ToHexStringLower(Ulid.Create(clock.GetUtcNow())),
            Der.Encode(new CommandBody(OrderActions.Order, StageCommands.Order(stage.Body("officer", Convert.ToHexStringLower(person), key, identity), key))));
        await stage.ProposeAsync(stage.FirstAdministrator, order);
        CommandAnswer waiting = await stage.ApproveAsync(stage.SecondAdministrator, order);
        Assert.Equal(("done", "waiting"), (waiting.State, waiting.Order!.State));

        // Too young for the job; then the device is back.
        RunOrders orders = stage.App.Services.GetRequiredService<RunOrders>();
        ((FailingHsm)(object)device).IsAway = false;
        await orders.RunAsync(Token);
        Assert.Equal("waiting", (await stage.FirstAdministrator.GetAsync<CommandAnswer>($"/commands/{order.EnrollmentId}")).Order!.State);
        clock.Advance(TimeSpan.FromMinutes(3));
        CommandAnswer done = waiting;
        for (int i = 0; i < 100 && done.Order!.State == "waiting"; i++)
        {
            // The log has to catch up first.
            await orders.RunAsync(Token);
            done = await stage.FirstAdministrator.GetAsync<CommandAnswer>($"/commands/{order.EnrollmentId}");
            await Task.Delay(100, Token);
        }

        Assert.Equal("issued", done.Order!.State);
        Assert.NotNull(done.Order.Certificate!.Certificate);
    }

    [Fact]
    public async Task ARowThatSomebodyAdds_OrdersNothing()
    {
        using var key = Sm2PrivateKey.Generate();
        byte[] person = await Stage.PersonAsync();
        var identity = new OfficerIdentity(person, OfficerKind.Operator, RoleCatalogue.BusinessOperator, CaStage.City);
        Application order = StageCommands.Command(OrderActions.Order, CaStage.City, StageCommands.Order(Stage.Body("officer", Convert.ToHexStringLower(person), key, identity), key));
        await Stage.ProposeAsync(Stage.FirstAdministrator, order);
        byte[] id = Convert.FromHexString(order.EnrollmentId);

        // As if it had been approved: by the proposer's own signature, for nobody else's is to be had.
        byte[] forged = Der.Encode(Stage.Sign(Stage.FirstAdministrator, ApprovalStep.Review, order));
        await Stage.RawAsync("UPDATE officer_command SET state = 1 WHERE command_id = @Id", new { Id = id });
        await Stage.RawAsync(
            """
            INSERT INTO command_review (command_id, proposer_person_id, approver_person_id, approver_serial, review, reviewed_at)
            VALUES (@Id, @Proposer, @Approver, @Serial, @Review, 1)
            """,
            new
            {
                Id = id,
                Proposer = Stage.FirstAdministrator.Identity.Person.ToArray(),
                Approver = Stage.SecondAdministrator.Identity.Person.ToArray(),
                Serial = Stage.SecondAdministrator.SerialNumber.ToString(),
                Review = forged,
            });
        await Stage.RawAsync("INSERT INTO certificate_order (order_id, state, ordered_at) VALUES (@Id, 0, 1)", new { Id = id });

        await Stage.App.Services.GetRequiredService<RunOrders>().RunAsync(Token);

        CommandAnswer answer = await Stage.FirstAdministrator.GetAsync<CommandAnswer>($"/commands/{order.EnrollmentId}");
        Assert.Equal(("refused", nameof(Refusal.SecondOfficerRequired)), (answer.Order!.State, answer.Order.Refusal));
    }
}

/// <summary>A device whose key of the operations CA does not sign while it is away.</summary>
internal class FailingHsm : DispatchProxy
{
    private IHsm _inner = null!;

    public bool IsAway { get; set; }

    public static IHsm Create(IHsm inner)
    {
        IHsm hsm = Create<IHsm, FailingHsm>();
        ((FailingHsm)(object)hsm)._inner = inner;
        return hsm;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        IsAway && targetMethod!.Name == nameof(IHsm.SignAsync) && ((HsmKey)args![0]!).Label.ToString() == "operations"
            ? throw new HsmException(HsmFailure.Unreachable, "The device is away.")
            : targetMethod!.Invoke(_inner, args);
}
