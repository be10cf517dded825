using System.CommandLine;
using ZwCa.Admin.Crls;

namespace ZwCa.Admin.Desk;

/// <summary>What officers' verbs have in common.</summary>
internal static class DeskVerbs
{
    internal static Option<bool> Json() => new("--json") { Description = "以JSON输出。" };

    internal static Option<bool> Yes() => new("--yes") { Description = "不再询问是否同意；内容照样显示，PIN照样需要。" };

    /// <param name="of">What it is the number of.</param>
    internal static Argument<string> Id(string of = "业务")
    {
        var id = new Argument<string>("ID") { Description = $"{of}编号：32位小写十六进制。" };
        id.Validators.Add(result =>
        {
            if (result.GetValue(id) is not { } text || !IsId(text))
            {
                result.AddError("ID 应为32位小写十六进制数。");
            }
        });
        return id;
    }

    internal static bool IsId(string text) => text.Length == 32 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The rows of an address, of those that are given.</summary>
    internal static string Query(string path, params (string Name, string? Value)[] parts)
    {
        string query = string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    /// <summary>As JSON, or in words.</summary>
    internal static void Write<T>(TextWriter output, bool asJson, T answer, Action<T> inWords)
        where T : notnull
    {
        if (asJson)
        {
            ShownJson.Write(output, answer);
        }
        else
        {
            inWords(answer);
        }
    }
}
