using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Admin.Token;

namespace ZwCa.Admin.Crls;

/// <summary>JSON for programs that a person at a terminal may look at too: letters of the BMP as they are, what cannot be seen or turns the direction of writing as its number.</summary>
internal static class ShownJson
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(TextWriter output, object shown)
    {
        // The relaxed encoder lets format characters (U+202E) through. Between the strings there is nothing invisible but line ends, which are never raw within one.
        var text = new StringBuilder();
        foreach (Rune rune in JsonSerializer.Serialize(shown, Json).EnumerateRunes())
        {
            if (LabelText.IsVisible(rune) || rune.Value is '\n' or '\r')
            {
                text.Append(rune.ToString());
                continue;
            }

            foreach (char unit in rune.ToString())
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            }
        }

        output.WriteLine(text);
    }
}
