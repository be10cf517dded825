using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZwCa.Issuance;

/// <summary>JSON in one form only, as RFC 8785 (JCS) writes objects, arrays, strings, integers and booleans: other numbers do not occur in profiles.</summary>
internal static class Canonical
{
    private static readonly JsonSerializerOptions Text = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

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
                    text.Append(text[^1] == '{' ? "" : ",").Append(JsonSerializer.Serialize(name, Text)).Append(':');
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
            default:
                text.Append(node.ToJsonString(Text));
                break;
        }
    }
}
