using System.Data.Common;
using System.Globalization;
using System.Text;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>
/// An exception for the log: types, codes and stacks. A message may quote a person's data (“张三 is no number”), so only messages are taken that are
/// ours and written for the operator.
/// </summary>
internal static class ExceptionText
{
    private const int MaxDepth = 8;

    public static string Of(Exception exception)
    {
        var text = new StringBuilder();
        Exception? each = exception;
        for (int depth = 0; each is not null && depth < MaxDepth; depth++, each = each.InnerException)
        {
            text.Append(depth == 0 ? "" : "\n inside: ").Append(each.GetType().FullName);
            string? said = each switch
            {
                HsmException hsm => $"{hsm.Failure}: {hsm.Message}",
                LinkCertificateException or DatabaseVersionException or Contracts.UnexpectedResponseException => each.Message,
                Contracts.RefusalException refusal => refusal.Kind.ToString(),
                DbException db => string.Create(CultureInfo.InvariantCulture, $"SQLSTATE {db.SqlState}, code {db.ErrorCode}"),
                HttpRequestException http => http.HttpRequestError.ToString(),
                _ => null,
            };
            text.Append(said is null ? "" : ": ").Append(said).Append('\n').Append(each.StackTrace);
        }

        return text.ToString();
    }
}
