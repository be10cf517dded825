using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>RAs: registered by two officers, certified, linked, and out at the next request once disabled.</summary>
public sealed class RaCommandTests(SharedStage shared) : IClassFixture<SharedStage>
{
    private CaStage Stage => shared.Stage;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnRaIsRegistered_Certified_Linked_AndOutAtTheNextRequestOnceDisabled(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = test.Options });

        // Registered; its message certificate; its link: three commands of two officers each.
        RaRegistration registration = stage.Ra("ra-36", CaStage.OtherProvince, "tls-server");
        await stage.CommandAsync(RaActions.Register, CaStage.OtherProvince, Der.Encode(registration));
        using var key = Sm2PrivateKey.Generate();
        CommandAnswer certified = await stage.CommandAsync(
            OrderActions.Order, CaStage.OtherProvince, StageCommands.Order(stage.Body("ra-system", registration.Entity, key), key));
        using var linkKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CommandAnswer linked = await stage.CommandAsync(
            ClientActions.Register, CaStage.OtherProvince, Der.Encode(stage.Link("ra-36", LinkKind.Ra, linkKey)));
        Assert.Equal("issued", certified.Order!.State);
        Assert.Equal("issued", linked.Order!.State);

        // It speaks.
        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(linked.Order.Certificate!.Certificate!);
        using X509Certificate2 link = plain.CopyWithPrivateKey(linkKey);
        var signer = new MessageSigner(SerialNumber.Parse(certified.Order.Certificate!.Serial), key);
        var ra = new RaParty("ra-36", key, signer, stage.CreateClient(link, signer)) { Link = link };
        RegistrationAuthorityAnswer self = Assert.Single(await ra.GetAsync<RegistrationAuthorityAnswer[]>("/registration-authorities"));
        Assert.Equal(("ra-36", 10, true), (self.Name, self.Quota, self.Enabled));
        Assert.Equal(new ScopeAnswer { Profile = "tls-server", Issuer = Convert.ToHexStringLower(stage.Hierarchy.Sub.KeyIdentifier.Span) }, Assert.Single(self.Scope));
        Assert.Contains(await ra.GetAsync<RegionAnswer[]>("/regions"), each => each.Code == CaStage.County);

        // Changed: another quota, nothing in scope.
        await stage.CommandAsync(RaActions.Change, CaStage.OtherProvince, Der.Encode(new RaRegistration("ra-36", registration.Entity, CaStage.OtherProvince, 20, [])));
        self = Assert.Single(await ra.GetAsync<RegistrationAuthorityAnswer[]>("/registration-authorities"));
        Assert.Equal(20, self.Quota);
        Assert.Empty(self.Scope);

        // One officer alone puts it out, and its links with it; two let it in again, and each link that is still its own.
        Application disable = StageCommands.Command(RaActions.Disable, CaStage.OtherProvince, Der.Encode(new RaSwitch("ra-36", "整改")));
        Assert.Equal("done", (await stage.ProposeAsync(stage.FirstAdministrator, disable)).State);
        await StageCommands.RefusedAsync(Refusal.LinkNotTrusted, () => ra.GetAsync<RegionAnswer[]>("/regions"));
        await stage.RefusedAsync(Refusal.WrongState, RaActions.Disable, CaStage.OtherProvince, Der.Encode(new RaSwitch("ra-36", "整改")));
        byte[] openLink = Der.Encode(new ClientSwitch(SHA256.HashData(link.RawData), "整改完成"));
        await stage.RefusedAsync(Refusal.WrongState, ClientActions.Enable, CaStage.OtherProvince, openLink);
        using var anotherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await stage.RefusedAsync(Refusal.WrongState, ClientActions.Register, CaStage.OtherProvince, Der.Encode(stage.Link("ra-36", LinkKind.Ra, anotherKey)));
        Assert.Equal("done", (await stage.CommandAsync(RaActions.Enable, CaStage.OtherProvince, Der.Encode(new RaSwitch("ra-36", "整改完成")))).State);
        await StageCommands.RefusedAsync(Refusal.LinkNotTrusted, () => ra.GetAsync<RegionAnswer[]>("/regions"));
        await stage.CommandAsync(ClientActions.Enable, CaStage.OtherProvince, openLink);
        await ra.GetAsync<RegionAnswer[]>("/regions");
    }

    [Theory]
    [InlineData("officer", Refusal.OutOfScope)]
    [InlineData("ra-system", Refusal.OutOfScope)]
    [InlineData("service-signer", Refusal.OutOfScope)]
    [InlineData("link", Refusal.OutOfScope)]
    [InlineData("officer-link", Refusal.OutOfScope)]
    [InlineData("ocsp-responder", Refusal.OutOfScope)]
    [InlineData("ocsp-node", Refusal.OutOfScope)]
    [InlineData("tsa", Refusal.OutOfScope)]
    [InlineData("sub-ca", Refusal.OutOfScope)]
    [InlineData("cross", Refusal.OutOfScope)]
    [InlineData("no-such-profile", Refusal.UnknownProfile)]
    public async Task WhatIsNeverAnRas_IsNotRegisteredAsItsScope(string profile, Refusal refusal)
    {
        await Stage.RefusedAsync(refusal, RaActions.Register, CaStage.Province, Der.Encode(Stage.Ra("ra-x", CaStage.Province, "tls-server", profile)));

        // Nor does it come in by a change.
        RegistrationAuthorityAnswer ra = (await Stage.FirstAdministrator.GetAsync<RegistrationAuthorityAnswer[]>("/registration-authorities")).Single(each => each.Name == CaStage.RaName);
        var changed = new RaRegistration(ra.Name, ra.Entity, ra.Region, ra.Quota, [new RaScope(profile, Stage.Hierarchy.Sub.KeyIdentifier)]);
        await Stage.RefusedAsync(refusal, RaActions.Change, CaStage.Province, Der.Encode(changed));
    }

    [Fact]
    public async Task AScopeNamesOnlyCasOfSubscribers()
    {
        foreach (ReadOnlyMemory<byte> issuer in new[] { Stage.Operations.KeyIdentifier, Stage.Hierarchy.System.KeyIdentifier, new byte[20] })
        {
            await Stage.RefusedAsync(
                Refusal.OutOfScope,
                RaActions.Register,
                CaStage.Province,
                Der.Encode(new RaRegistration("ra-x", CaStage.NewEntity(), CaStage.Province, 1, [new RaScope("tls-server", issuer)])));
        }

        await Stage.RefusedAsync(Refusal.Malformed, RaActions.Register, CaStage.Province, Der.Encode(Stage.Ra("ra-x", CaStage.Province, "tls-server", "tls-server")));
    }

    [Theory]
    [InlineData("command")]
    [InlineData("link")]
    [InlineData("system")]
    [InlineData("福建RA")]
    [InlineData("RA")]
    [InlineData("ra/35")]
    public async Task AnRasNameIsThatOfALink_AndNoneOfTheDatabasesOwn(string name) =>
        await Stage.RefusedAsync(Refusal.Malformed, RaActions.Register, CaStage.Province, Der.Encode(Stage.Ra(name, CaStage.Province)));

    [Fact]
    public async Task NamesEntitiesAndRegionsOfRas_AreThoseThatWereDecidedAbout()
    {
        RaRegistration ra = Stage.Ra("ra-y", CaStage.Province);
        await Stage.CommandAsync(RaActions.Register, CaStage.Province, Der.Encode(ra));
        Application again = StageCommands.Command(RaActions.Register, CaStage.Province, Der.Encode(Stage.Ra("ra-y", CaStage.Province)));
        await Stage.ProposeAsync(Stage.FirstAdministrator, again);
        await StageCommands.RefusedAsync(Refusal.Duplicate, () => Stage.ApproveAsync(Stage.SecondAdministrator, again));
        Application sameEntity = StageCommands.Command(RaActions.Register, CaStage.Province, Der.Encode(new RaRegistration("ra-z", ra.Entity, CaStage.Province, 1, [])));
        await Stage.ProposeAsync(Stage.FirstAdministrator, sameEntity);
        await StageCommands.RefusedAsync(Refusal.Duplicate, () => Stage.ApproveAsync(Stage.SecondAdministrator, sameEntity));

        await Stage.RefusedAsync(Refusal.WrongState, RaActions.Change, CaStage.Province, Der.Encode(Stage.Ra("ra-y", CaStage.Province)));
        await Stage.RefusedAsync(Refusal.OutOfScope, RaActions.Change, CaStage.OtherProvince, Der.Encode(ra));
        await Stage.RefusedAsync(Refusal.NotFound, RaActions.Change, CaStage.Province, Der.Encode(Stage.Ra("ra-none", CaStage.Province)));
        await Stage.RefusedAsync(Refusal.OutOfScope, RaActions.Register, CaStage.OtherProvince, Der.Encode(Stage.Ra("ra-v", CaStage.Province)));
        await Stage.RefusedAsync(Refusal.NotFound, RaActions.Register, "370000", Der.Encode(Stage.Ra("ra-v", "370000")));
        await Stage.RefusedAsync(Refusal.NotFound, RaActions.Enable, CaStage.Province, Der.Encode(new RaSwitch("ra-none", "启用")));
        await Stage.RefusedAsync(Refusal.WrongState, RaActions.Enable, CaStage.Province, Der.Encode(new RaSwitch("ra-y", "启用")));
        await Stage.RefusedAsync(Refusal.Malformed, RaActions.Enable, CaStage.Province, [0x05, 0x00]);
    }
}
