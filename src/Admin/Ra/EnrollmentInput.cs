using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What is applied for, from a JSON file or from options.</summary>
internal sealed class EnrollmentInput
{
    public static readonly string[] Kinds = ["new", "renew", "rekey", "change", "replace", "revoke", "suspend", "resume", "recovery"];

    private const byte Sequence = 0x30;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    private readonly Option<FileInfo?> _file = new("--request") { Description = "申请内容（JSON，字段同 POST /enrollments），代替下列各项。" };
    private readonly Option<string?> _kind = new("--kind") { Description = "业务种类。" };
    private readonly Option<string?> _region = new("--region") { Description = "受理区域（GB/T 2260）。" };
    private readonly Option<string?> _profile = new("--profile") { Description = "业务类型，见 zwca ra profiles；针对已有证书的业务不写。" };
    private readonly Option<string?> _subscriber = new("--subscriber") { Description = "主体编号，见 zwca ra subscriber。" };
    private readonly Option<FileInfo?> _csr = new("--csr") { Description = "证书请求（PKCS#10，PEM或DER）。" };
    private readonly Option<int?> _days = new("--days") { Description = "有效期（天）；不写则按业务类型。" };
    private readonly Option<string[]> _departments = new("--department") { Description = "部门，由高到低，最多四个。", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string[]> _names = new("--name") { Description = "备用名称，例如 DNS:www.example.gov.cn。", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _certificate = new("--certificate") { Description = "原证书：签发者标识/序列号。" };
    private readonly Option<string?> _reason = new("--reason") { Description = "吊销原因，例如 keyCompromise。" };
    private readonly Option<string?> _recipient = new("--recipient") { Description = "密钥恢复的接收证书：签发者标识/序列号。" };
    private readonly Option<string?> _agent = new("--agent") { Description = "经办人姓名；其证件号码从终端输入。" };

    public EnrollmentInput() => _kind.AcceptOnlyFromAmong(Kinds);

    private Option[] Fields => [_kind, _region, _profile, _subscriber, _csr, _days, _departments, _names, _certificate, _reason, _recipient, _agent];

    public void AddTo(Command command)
    {
        command.Add(_file);
        foreach (Option field in Fields)
        {
            command.Add(field);
        }

        command.Validators.Add(result =>
        {
            bool hasFields = Fields.Any(field => result.GetResult(field) is { Implicit: false });
            if (hasFields && result.GetValue(_file) is not null)
            {
                result.AddError("--request 与其他申请内容不能同时使用。");
            }
            else if (hasFields && (result.GetValue(_kind) is null || result.GetValue(_region) is null || result.GetValue(_subscriber) is null))
            {
                result.AddError("申请内容至少须有 --kind、--region 和 --subscriber。");
            }
        });
    }

    /// <summary>Whether the command line says anything.</summary>
    public bool IsGiven(System.CommandLine.Parsing.CommandResult result) => result.GetValue(_file) is not null || result.GetValue(_kind) is not null;

    /// <returns>Null: nothing was given.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, <see cref="Refusal.NotFound"/>.</exception>
    public EnrollmentRequest? Read(ParseResult parsed, TokenDesk desk) =>
        parsed.GetValue(_file) is { } file ? ReadFile(file)
        : parsed.GetValue(_kind) is not { } kind ? null
        : new EnrollmentRequest
        {
            Kind = kind,
            Region = parsed.GetValue(_region)!,
            Profile = parsed.GetValue(_profile),
            Subscriber = parsed.GetValue(_subscriber)!,
            Agent = parsed.GetValue(_agent) is { } name ? new AgentRequest { Name = name, IdNumber = desk.AskNumber("请输入经办人证件号码：") } : null,
            Csr = parsed.GetValue(_csr) is { } csr ? ReadCsr(csr) : null,
            Days = parsed.GetValue(_days),
            Departments = parsed.GetValue(_departments) ?? [],
            AlternativeNames = parsed.GetValue(_names) ?? [],
            Certificate = ReadName(parsed.GetValue(_certificate)),
            RevocationReason = parsed.GetValue(_reason),
            Recipient = ReadName(parsed.GetValue(_recipient)),
        };

    /// <summary>Of the request's key; what the RA gives to be signed has to be about it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.BadCsr"/>.</exception>
    public static SubjectPublicKeyInfo? KeyOf(EnrollmentRequest? request)
    {
        try
        {
            return request?.Csr is { } csr ? Der.Decode<CertificationRequest>(csr).Info.SubjectPublicKeyInfo : null;
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.BadCsr, "证书请求（PKCS#10）无法解读。", inner: e);
        }
    }

    private static EnrollmentRequest ReadFile(FileInfo file)
    {
        try
        {
            return JsonSerializer.Deserialize<EnrollmentRequest>(TokenFiles.Read(file.FullName), Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{file} 不是申请内容（JSON）：{e.Message}", inner: e);
        }
    }

    private static byte[] ReadCsr(FileInfo file)
    {
        byte[] content = TokenFiles.Read(file.FullName);
        try
        {
            return content is [Sequence, ..] ? content : Pem.Decode(Pem.CertificateRequest, Encoding.UTF8.GetString(content));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.BadCsr, $"{file} 不是证书请求（PEM或DER）。", inner: e);
        }
    }

    private static CertificateName? ReadName(string? text) => text?.Split('/') switch
    {
        null => null,
        [var issuer, var serial] => new CertificateName(issuer, serial),
        _ => throw new RefusalException(Refusal.Malformed, "证书应写作 签发者标识/序列号，见 zwca ra show。"),
    };
}
