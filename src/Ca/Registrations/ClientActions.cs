using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Registrations;

/// <summary>Commands about links: who gets a link certificate and is known by it, and which one is closed.</summary>
internal sealed class ClientActions(OrderActions orders, ClientStore clients, AuthorityList authorities)
{
    public const string Register = "client.register";
    public const string Disable = "client.disable";
    public const string Enable = "client.enable";

    private const int PersonIdLength = 32;

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Register, OfficerActions.TwoPersons) { CheckAsync = CheckRegisterAsync, DoAsync = RegisterAsync },
        new CommandAction(Disable, OfficerActions.OnePerson) { TakesAwayOnly = true, CheckAsync = CheckSwitchAsync, DoAsync = context => SwitchAsync(context, enabled: false) },
        new CommandAction(Enable, OfficerActions.TwoPersons) { CheckAsync = CheckEnableAsync, DoAsync = context => SwitchAsync(context, enabled: true) },
    ];

    /// <summary>
    /// Whether a link may answer under a name: whoever calls a service believes the name of its address, so nobody gets another's. Whose an address is, its digits do not say; the officers
    /// of the nation know.
    /// </summary>
    private static bool IsOf(string client, ClientKind kind, GeneralName name) => name switch
    {
        DnsName dns => dns.Host == client || dns.Host.StartsWith(client + ".", StringComparison.Ordinal),
        IpAddress => kind is not (ClientKind.Officer or ClientKind.Ra),
        _ => false,
    };

    private static Task RegisterAsync(CommandContext context) => OrderActions.InsertAsync(context, context.Read<ClientRegistration>().Order.Body);

    /// <summary>A service's link concerns everybody, an RA's its region, an officer's that of his office; a person without one may be about to get it anywhere.</summary>
    private static async Task RequireRegionAsync(CommandContext context, string name, ClientKind kind)
    {
        Require(kind == ClientKind.Officer || context.Proposer.Kind == OfficerKind.Administrator, Refusal.NotAllowed, "审计人员只办理人员的链路。");
        string? region = kind switch
        {
            ClientKind.Officer => await context.Transaction.FindAsync<string>(
                "SELECT region FROM officer WHERE person_id = @Person AND enabled = 1", new { Person = Convert.FromHexString(name) }),
            ClientKind.Ra => (await RaStore.FindAsync(context.Transaction, name))?.Region ?? throw new RefusalException(Refusal.NotFound, "没有该RA。"),
            _ => RegionCode.Nation.Value,
        };
        context.RequireRegion(region ?? context.Application.Region);
    }

    /// <summary>A disabled RA gets no link, and none of its links is opened.</summary>
    private static async Task RequireRaAsync(CommandContext context, string name, ClientKind kind) => Require(
        kind != ClientKind.Ra || await RaStore.FindAsync(context.Transaction, name) is { Enabled: true }, Refusal.WrongState, "该RA已被停用，请先启用该RA。");

    private static async Task<RegisteredClient> FindAsync(CommandContext context) =>
        await ClientStore.FindAsync(context.Transaction, Convert.ToHexStringLower(context.Read<ClientSwitch>().Thumbprint.Span))
            ?? throw new RefusalException(Refusal.NotFound, "没有登记该链路证书。");

    private static async Task CheckSwitchAsync(CommandContext context)
    {
        RegisteredClient client = await FindAsync(context);
        await RequireRegionAsync(context, client.Name, client.Kind);
    }

    /// <summary>A revoked link is never opened again.</summary>
    private async Task CheckEnableAsync(CommandContext context)
    {
        await CheckSwitchAsync(context);
        RegisteredClient client = await FindAsync(context);
        await RequireRaAsync(context, client.Name, client.Kind);
        IReadOnlyList<CertificateRow> revoked = await context.Transaction.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE owner = @Owner AND authority_id = @Authority AND state = 3",
            new { Owner = $"{IssuanceOrder.SystemOwner}/{client.Name}", Authority = authorities.System.Id });
        Require(
            !revoked.Any(row => row.FindCertificate() is { } link && Convert.ToHexStringLower(SHA256.HashData(Der.Encode(link))) == client.Thumbprint),
            Refusal.AlreadyRevoked,
            "该链路证书已吊销，请重新登记客户端。");
    }

    private async Task SwitchAsync(CommandContext context, bool enabled)
    {
        RegisteredClient client = await FindAsync(context);
        await clients.SwitchAsync(context.Transaction, context.Actor(), client.Thumbprint, enabled);
    }

    private async Task CheckRegisterAsync(CommandContext context)
    {
        ClientRegistration registration = context.Read<ClientRegistration>();
        var kind = (ClientKind)(int)registration.Kind;
        bool isOfficer = kind == ClientKind.Officer;
        string name = registration.Name;
        Require(
            isOfficer ? name.Length == PersonIdLength && name.All(char.IsAsciiHexDigitLower) : SignedMessage.IsRecipient(name),
            Refusal.Malformed,
            "客户端名称有误：人员应为其人员编号（32位小写十六进制数），其他应为1至64个小写字母、数字、点或连字符。");
        CertificateBody body = registration.Order.Body;
        Require(
            body.Profile == (isOfficer ? SystemProfile.OfficerLink : SystemProfile.Link), Refusal.UnknownProfile, "人员用人员链路证书，其他用链路证书。");
        Require(body.Entity == name, Refusal.SubjectNotAllowed, "链路证书的实体编号应为客户端名称。");
        Require(
            body.Names.All(each => IsOf(name, kind, each)),
            Refusal.SubjectNotAllowed,
            "链路证书中的主机名应为客户端名称，或以“客户端名称.”开头；IP地址只用于全国性的服务。");
        await RequireRegionAsync(context, name, kind);
        await RequireRaAsync(context, name, kind);
        if (isOfficer)
        {
            byte[] person = Convert.FromHexString(name);
            Require(
                await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM person WHERE person_id = @Person", new { Person = person }) == 1,
                Refusal.NotFound,
                "人员尚未登记。");
        }

        await orders.RequireOrderAsync(context, registration.Order, static (authorities, authority, _) => authority == authorities.System);
    }
}
