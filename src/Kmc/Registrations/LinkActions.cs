using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Kmc.Registrations;

/// <summary>Commands about links. The system CA issues their certificates, at the CA; which of them are heard here, the KMC's own officers decide.</summary>
internal sealed class LinkActions(ClientStore clients, LinkTrust trust)
{
    public const string Admit = "client.admit";
    public const string Disable = "client.disable";
    public const string Enable = "client.enable";

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Admit, OfficerActions.TwoPersons) { CheckAsync = CheckAdmitAsync, DoAsync = AdmitAsync },
        new CommandAction(Disable, OfficerActions.OnePerson) { TakesAwayOnly = true, CheckAsync = CheckSwitchAsync, DoAsync = context => SwitchAsync(context, enabled: false) },
        new CommandAction(Enable, OfficerActions.TwoPersons) { CheckAsync = CheckSwitchAsync, DoAsync = context => SwitchAsync(context, enabled: true) },
    ];

    /// <summary>The commands about officers, as they are here: who is disabled loses his links.</summary>
    public IReadOnlyList<CommandAction> WithLinks(IReadOnlyList<CommandAction> officers) =>
    [
        .. officers.Select(action => action.Name != OfficerActions.Disable ? action : action with
        {
            DoAsync = async context =>
            {
                await action.DoAsync(context);
                await OfficerLinks.CloseAsync(context, clients, context.Read<OfficerChange>().Officer);
            },
        }),
    ];

    private static string ThumbprintOf(ClientAdmission admission) => Convert.ToHexStringLower(SHA256.HashData(Der.Encode(admission.Certificate)));

    private static async Task CheckSwitchAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        RegisteredClient client = await ClientStore.FindAsync(context.Transaction, Convert.ToHexStringLower(context.Read<ClientSwitch>().Thumbprint.Span))
            ?? throw new RefusalException(Refusal.NotFound, "没有登记该链路证书。");
        RequireKind(context, client.Kind);
    }

    private static void RequireKind(CommandContext context, ClientKind kind) =>
        Require(kind == ClientKind.Officer || context.Proposer.Kind == OfficerKind.Administrator, Refusal.NotAllowed, "审计人员只办理人员的链路。");

    private async Task CheckAdmitAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        ClientAdmission admission = context.Read<ClientAdmission>();
        bool isOfficer = admission.Kind == LinkKind.Officer;
        Require(isOfficer || admission.Kind == LinkKind.Ca, Refusal.NotAllowed, "密钥管理中心只接入CA和本中心的人员。");
        RequireKind(context, (ClientKind)(int)admission.Kind);
        Require(
            isOfficer ? OfficerLinks.IsName(admission.Name) : SignedMessage.IsRecipient(admission.Name),
            Refusal.Malformed,
            "客户端名称有误：人员应为其人员编号（32位小写十六进制数），CA应为1至64个小写字母、数字、点或连字符。");
        Require(
            admission.Certificate.Tbs.Subject.Rdns.Any(rdn => rdn.Attributes.Any(each => each.Type is Asn1.Oids.CommonName or Asn1.Oids.SerialNumber && each.Text == admission.Name)),
            Refusal.SubjectNotAllowed,
            "链路证书不是签发给该客户端的：其通用名或序列号应为客户端名称。");
        Require(IsTrusted(admission), Refusal.LinkNotTrusted, "该证书不是系统CA签发的有效链路证书。");
        if (isOfficer)
        {
            Require(
                await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM person WHERE person_id = @Person", new { Person = Convert.FromHexString(admission.Name) }) == 1,
                Refusal.NotFound,
                "人员尚未登记。");
        }
    }

    private bool IsTrusted(ClientAdmission admission)
    {
        try
        {
            using X509Certificate2 link = X509CertificateLoader.LoadCertificate(Der.Encode(admission.Certificate));
            return trust.WhyNot(link, LinkTrust.ClientAuthentication) is null;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private Task AdmitAsync(CommandContext context)
    {
        ClientAdmission admission = context.Read<ClientAdmission>();
        return clients.RegisterAsync(context.Transaction, context.Actor(), ThumbprintOf(admission), admission.Name, (ClientKind)(int)admission.Kind);
    }

    private Task SwitchAsync(CommandContext context, bool enabled) =>
        clients.SwitchAsync(context.Transaction, context.Actor(), Convert.ToHexStringLower(context.Read<ClientSwitch>().Thumbprint.Span), enabled);
}
