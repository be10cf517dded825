using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Admin.Commands;

/// <summary>A command that an officer has written down as JSON, and the bytes that are signed of it.</summary>
/// <param name="Region">GB/T 2260: whose officers decide.</param>
/// <param name="Parameters">DER of what the action takes.</param>
internal sealed record CommandPaper(string Action, string Region, byte[] Parameters)
{
    /// <summary>In one file.</summary>
    public const int Most = 1000;

    private const string ActionField = "action";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>What a field may say, by its path.</summary>
    private static readonly Dictionary<string, string> Choices = new(StringComparer.Ordinal)
    {
        ["$.reason"] = "unspecified、keyCompromise、caCompromise、affiliationChanged、superseded、cessationOfOperation、certificateHold（冻结）、removeFromCrl（解冻）、privilegeWithdrawn、aaCompromise 之一",
        ["$.kind"] = "revoke、suspend、resume 之一；链路客户端为 ca、kmc、ra、ocsp、officer 之一",
        ["$.signedPart"] = "content、encryptedContentInfo 之一",
        ["$.signatureForm"] = "der、raw 之一",
    };

    private static readonly JsonDocumentOptions Document = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };

    private static readonly Dictionary<string, Func<JsonObject, PaperFiles, (string Region, byte[] Parameters)>> Drafts = new(StringComparer.Ordinal)
    {
        // Officers and regions: of every service.
        [OfficerActions.RegisterRegion] = By<RegionPaper>((paper, _) => (paper.Code, Der.Encode(new RegionEntry(paper.Code, paper.Parent, paper.Name)))),
        [OfficerActions.Create] = By<OfficerPaper>((paper, files) => OfOfficer(files.Certificate(paper.Certificate), certificate => Der.Encode(certificate))),
        [OfficerActions.ReplaceCertificate] = By<OfficerReplacementPaper>((paper, files) =>
            OfOfficer(files.Certificate(paper.Certificate), certificate => Der.Encode(new CertificateReplacement(PaperFiles.Serial(paper.Officer), certificate)))),
        [OfficerActions.Disable] = By<OfficerChangePaper>(Change),
        [OfficerActions.Recertify] = By<OfficerChangePaper>(Change),

        // A CA's.
        ["profile.activate"] = By<ProfilePaper>((paper, _) => OfNation(PaperFiles.Profile(paper.Profile, paper.Hash))),
        ["profile.retire"] = By<ProfilePaper>((paper, _) => OfNation(PaperFiles.Profile(paper.Profile, paper.Hash))),
        ["ra.register"] = By<RaPaper>(Register),
        ["ra.change"] = By<RaPaper>(Register),
        ["ra.disable"] = By<RaSwitchPaper>((paper, _) => (paper.Region, Der.Encode(new RaSwitch(paper.Name, paper.Reason)))),
        ["ra.enable"] = By<RaSwitchPaper>((paper, _) => (paper.Region, Der.Encode(new RaSwitch(paper.Name, paper.Reason)))),
        ["certificate.order"] = By<OrderPaper>((paper, files) => (paper.Region, Der.Encode(files.Order(paper.Certificate)))),
        ["client.register"] = By<ClientPaper>((paper, files) => (paper.Region, Der.Encode(new ClientRegistration(paper.Client, paper.Kind, files.Order(paper.Certificate))))),
        ["certificate.revoke"] = By<StatusPaper>((paper, files) => (paper.Region, Der.Encode(new StatusBody(files.Reference(paper), paper.Reason)))),
        ["certificate.revoke-by-key"] = By<KeyPaper>((paper, files) =>
            (paper.Region, Der.Encode(new BulkStatusBody(DecisionKind.Revoke, paper.Reason, new CertificateSelection.Key(files.Key(paper.Key)))))),
        ["certificate.revoke-by-owner"] = By<OwnerPaper>((paper, files) => (paper.Region, Der.Encode(new BulkStatusBody(DecisionKind.Revoke, paper.Reason, (paper.Owner, paper.Subject) switch
        {
            ({ } owner, null) => new CertificateSelection.Owner(owner),
            (null, { } file) => new CertificateSelection.Subject(files.SubjectHash(file)),
            _ => throw Wrong("所有者以 owner 写明，或以 subject（证书文件）写明。"),
        })))),
        ["certificate.revoke-bulk"] = By<BulkPaper>((paper, files) => (paper.Region, Der.Encode(new BulkStatusBody(paper.Kind, paper.Reason, (paper.Certificates, paper.Issued) switch
        {
            ({ } list, null) => new CertificateSelection.Certificates([.. list.Select(each => files.Reference(each.Issuer, each.Serial))]),
            (null, { } issued) => new CertificateSelection.Issued(issued.Ra, issued.Region, PaperFiles.Time(issued.From), PaperFiles.Time(issued.Until)),
            _ => throw Wrong("范围以 certificates 写明，或以 issued 写明。"),
        })))),
        ["crl.emergency"] = By<CrlPaper>((paper, files) => OfNation(new CrlOrder(files.KeyIdentifier(paper.Issuer)))),
        ["crl.adopt"] = By<CrlAdoptionPaper>((paper, files) => OfNation(new CrlAdoption(files.KeyIdentifier(paper.Issuer), paper.Shard, files.Sm3OfFile(paper.File)))),

        // A KMC's; of links also a CA's.
        ["client.disable"] = By<ClientSwitchPaper>((paper, files) => (paper.Region, Der.Encode(new ClientSwitch(files.Thumbprint(paper.Thumbprint), paper.Reason)))),
        ["client.enable"] = By<ClientSwitchPaper>((paper, files) => (paper.Region, Der.Encode(new ClientSwitch(files.Thumbprint(paper.Thumbprint), paper.Reason)))),
        ["client.admit"] = By<AdmissionPaper>((paper, files) => OfNation(new ClientAdmission(paper.Client, paper.Kind, files.Certificate(paper.Certificate)))),
        ["ca.register"] = By<ServedCaPaper>(Serve),
        ["ca.change"] = By<ServedCaPaper>(Serve),
        ["ca.freeze"] = By<ServedCaSwitchPaper>((paper, _) => OfNation(new CaSwitch(paper.Name, paper.Reason))),
        ["ca.unfreeze"] = By<ServedCaSwitchPaper>((paper, _) => OfNation(new CaSwitch(paper.Name, paper.Reason))),
        ["recovery.judicial"] = By<JudicialPaper>((paper, files) => OfNation(new JudicialOrder(paper.Ca, PaperFiles.Serial(paper.Serial), files.Statement(paper.Statement)))),
        ["stock.discard"] = By<DiscardPaper>((paper, _) => OfNation(new StockDiscard(paper.Reason))),
    };

    /// <summary>All that can be written down.</summary>
    public static IReadOnlyCollection<string> Actions => Drafts.Keys;

    /// <summary>Reads a file: one command, or an array of them; all of it before anything is done with the first.</summary>
    /// <exception cref="RefusalException">Says in which file, at which command and why.</exception>
    public static IReadOnlyList<CommandPaper> Read(FileInfo file)
    {
        var files = new PaperFiles(Path.GetDirectoryName(file.FullName)!);
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(InputFile.ReadText(file.FullName), documentOptions: Document);
        }
        catch (JsonException e)
        {
            throw Wrong($"{file} 不是JSON：{e.Message}", e);
        }

        IReadOnlyList<JsonNode?> all = root is JsonArray array ? [.. array] : [root];
        return all.Count is > 0 and <= Most
            ? [.. all.Select((each, index) => Read(each, files, $"{file} 第 {index + 1} 项"))]
            : throw Wrong($"{file} 应有1至{Most}项命令。");
    }

    /// <summary>What officers sign, with an id of its own.</summary>
    /// <param name="service">As commands name it.</param>
    public Application ToApplication(string service, TimeProvider time) => new(
        DecisionKind.Command, service, service, Region, Convert.ToHexStringLower(Data.Ulid.Create(time.GetUtcNow())), Der.Encode(new CommandBody(Action, Parameters)));

    private static CommandPaper Read(JsonNode? node, PaperFiles files, string place)
    {
        if (node is not JsonObject paper || paper[ActionField] is not JsonValue value || !value.TryGetValue(out string? action))
        {
            throw Wrong($"{place}有误：应为对象，以 {ActionField} 写明命令。");
        }

        if (!Drafts.TryGetValue(action, out Func<JsonObject, PaperFiles, (string, byte[])>? draft))
        {
            throw Wrong($"{place}有误：没有命令“{action}”。可用的有：{string.Join("、", Drafts.Keys.Order(StringComparer.Ordinal))}。");
        }

        try
        {
            RequireNoNull(paper);
            paper.Remove(ActionField);
            (string region, byte[] parameters) = draft(paper, files);
            return new CommandPaper(action, RegionCode.Parse(region).Value, parameters);
        }
        catch (RefusalException e)
        {
            throw new RefusalException(e.Kind, $"{place}（{action}）有误：{e.Message}", inner: e);
        }
        catch (JsonException e)
        {
            throw Wrong($"{place}（{action}）有误：{(Choices.TryGetValue(e.Path ?? "", out string? choices) ? $"{e.Path![2..]} 应为 {choices}" : e.Message)}", e);
        }
        catch (Exception e) when (e is ArgumentException or DerException)
        {
            throw Wrong($"{place}（{action}）有误：{e.Message}", e);
        }
    }

    /// <summary>What is not given is left out: the serializer lets nulls into lists.</summary>
    private static void RequireNoNull(JsonNode node)
    {
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject fields => fields.Select(each => each.Value),
            JsonArray list => list,
            _ => [],
        };
        foreach (JsonNode? child in children)
        {
            RequireNoNull(child ?? throw Wrong($"{node.GetPath()} 中有 null；不写的字段请略去。"));
        }
    }

    private static Func<JsonObject, PaperFiles, (string, byte[])> By<T>(Func<T, PaperFiles, (string, byte[])> draft) =>
        (paper, files) => draft(paper.Deserialize<T>(Json) ?? throw new JsonException("null"), files);

    private static (string, byte[]) OfNation<T>(T parameters)
        where T : IDer<T> => (RegionCode.Nation.Value, Der.Encode(parameters));

    /// <summary>What is said about an officer is said in the region that his certificate has.</summary>
    private static (string, byte[]) OfOfficer(Asn1.Pkix.Certificate certificate, Func<Asn1.Pkix.Certificate, byte[]> encode) =>
        (certificate.Tbs.Extensions?.Find<OfficerIdentity>()?.Region ?? throw Wrong("证书中没有人员身份，不是人员证书。"), encode(certificate));

    private static (string, byte[]) Change(OfficerChangePaper paper, PaperFiles files) => (paper.Region, Der.Encode(new OfficerChange(PaperFiles.Serial(paper.Officer), paper.Reason)));

    private static (string, byte[]) Register(RaPaper paper, PaperFiles files) => (
        paper.Region,
        Der.Encode(new RaRegistration(paper.Name, paper.Entity, paper.Region, paper.Quota, [.. paper.Scope.Select(each => new RaScope(each.Profile, files.KeyIdentifier(each.Issuer)))])));

    private static (string, byte[]) Serve(ServedCaPaper paper, PaperFiles files) =>
        OfNation(new CaRegistration(paper.Name, files.Certificate(paper.Certificate), paper.Link, paper.SignedPart, paper.SignatureForm));

    private static RefusalException Wrong(string detail, Exception? inner = null) => new(Refusal.Malformed, detail, inner: inner);
}
