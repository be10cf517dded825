using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZwCa.Issuance;

/// <summary>JSON in one form only, as RFC 8785 (JCS) writes objects, arrays, strings, integers and booleans: other numbers do not occur in profiles.</summary>
internal static class Canonical
{
    public static string Write(JsonNode node)
    {
        var text = new StringBuilder();
        Write(node, text);
        return text.ToString();
    }

    private static void Write(JsonNode node, StringBuilder text)
    {
        switch (node)
        {
            case JsonObject members:
                text.Append('{');
                foreach ((string name, JsonNode? value) in members.OrderBy(member => member.Key, StringComparer.Ordinal))
                {
                    Write(name, text.Append(text[^1] == '{' ? "" : ","));
                    text.Append(':');
                    Write(value!, text);
                }

                text.Append('}');
                break;
            case JsonArray elements:
                text.Append('[');
                for (int i = 0; i < elements.Count; i++)
                {
                    text.Append(i == 0 ? "" : ",");
                    Write(elements[i]!, text);
                }

                text.Append(']');
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Write(value.GetValue<string>(), text);
                break;
            default:
                text.Append(node.ToJsonString());
                break;
        }
    }

    /// <summary>RFC 8785 §3.2.2.2: what JSON does not allow inside a string is escaped in its shortest form, and nothing else is.</summary>
    private static void Write(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (char c in value)
        {
            _ = c switch
            {
                '"' or '\\' => text.Append('\\').Append(c),
                '\b' => text.Append("\\b"),
                '\t' => text.Append("\\t"),
                '\n' => text.Append("\\n"),
                '\f' => text.Append("\\f"),
                '\r' => text.Append("\\r"),
                < ' ' => text.Append("\\u00").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture)),
                _ => text.Append(c),
            };
        }

        text.Append('"');
    }
}
