using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ZwCa.Interop.Ra;

/// <summary>The examples beside the API (<c>src/Ra/**/*.http</c>) and its document say the same: no operation without one, and none of what is gone.</summary>
public sealed partial class HttpExampleTests
{
    [Fact]
    public async Task EveryOperation_HasAnExample()
    {
        string document = await RaDocument.MakeAsync(TestContext.Current.CancellationToken);
        string[] shown = [.. Examples().Select(example => Find(document, example)?.Operation ?? "")];

        Assert.Empty(RaDocument.Operations(document).Select(each => each.Operation).Except(shown));
    }

    [Fact]
    public async Task EveryExample_IsOfAnOperation_WithItsParametersAndItsBody()
    {
        string document = await RaDocument.MakeAsync(TestContext.Current.CancellationToken);

        Assert.Empty(Examples().SelectMany(example => Faults(document, example)));
    }

    [Theory]
    [InlineData("GET {{ra}}/nowhere", "no such operation")]
    [InlineData("DELETE {{ra}}/enrollments/{{enrollment}}", "no such operation")]
    [InlineData("GET {{ra}}/enrollments?colour=red", "no such parameter: colour")]
    [InlineData("POST {{ra}}/enrollments/{{enrollment}}/review\n\n{ \"version\": 1, \"opinion\": \"approved\" }", "no such member: opinion")]
    public async Task AStaleExample_IsFound(string text, string fault)
    {
        string document = await RaDocument.MakeAsync(TestContext.Current.CancellationToken);

        Assert.Equal([$"stale.http: {text.Split('\n')[0]}: {fault}"], Read("stale.http", text).SelectMany(example => Faults(document, example)));
    }

    private static IEnumerable<string> Faults(string document, Example example)
    {
        if (Find(document, example) is not { } found)
        {
            return [$"{example}: no such operation"];
        }

        string[] parameters = [.. (found.Description["parameters"]?.AsArray() ?? []).Where(each => (string?)each!["in"] == "query").Select(each => (string)each!["name"]!)];
        string[] members = [.. Schema(document, found.Description)?.Select(member => member.Key) ?? []];
        return example.Parameters.Except(parameters, StringComparer.OrdinalIgnoreCase).Select(each => $"{example}: no such parameter: {each}")
            .Concat((example.Body?.Select(member => member.Key) ?? []).Except(members).Select(each => $"{example}: no such member: {each}"));
    }

    private static (string Operation, JsonObject Description)? Find(string document, Example example) => RaDocument.Operations(document)
        .Where(each => Regex.IsMatch($"{example.Method} {example.Path}", $"^{PathParameter().Replace(each.Operation, "[^/]+")}$"))

        // Where a word stands in the place of an id, the word is meant.
        .OrderBy(each => PathParameter().Count(each.Operation))
        .Select(each => ((string, JsonObject)?)each)
        .FirstOrDefault();

    private static JsonObject? Schema(string document, JsonObject operation)
    {
        string? reference = (string?)operation["requestBody"]?["content"]?["application/json"]?["schema"]?["$ref"];
        return reference is null ? null : JsonNode.Parse(document)!["components"]!["schemas"]![reference.Split('/')[^1]]!["properties"]!.AsObject();
    }

    private static IEnumerable<Example> Examples() => Directory
        .EnumerateFiles(Path.Combine(Root(), "src", "Ra"), "*.http", SearchOption.AllDirectories)
        .SelectMany(file => Read(Path.GetFileName(file), File.ReadAllText(file)));

    private static IEnumerable<Example> Read(string file, string text)
    {
        foreach (string part in text.ReplaceLineEndings("\n").Split("###"))
        {
            if (Request().Match(part) is not { Success: true } request)
            {
                continue;
            }

            string body = part[(request.Index + request.Length)..];
            string[] address = request.Groups["address"].Value.Split('?');
            int json = body.IndexOf("\n\n{", StringComparison.Ordinal);
            yield return new Example(
                file,
                request.Value,
                request.Groups["method"].Value,
                address[0],
                address.Length == 1 ? [] : [.. address[1].Split('&').Select(pair => pair.Split('=')[0])],
                json < 0 ? null : JsonNode.Parse(body[json..])!.AsObject());
        }
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ZwCa.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No ZwCa.sln above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex(@"^(?<method>GET|POST|PUT|DELETE) \{\{(ra|tracking)\}\}(?<address>/\S*)", RegexOptions.Multiline)]
    private static partial Regex Request();

    [GeneratedRegex(@"\{[^/]+\}")]
    private static partial Regex PathParameter();

    private sealed record Example(string File, string Line, string Method, string Path, string[] Parameters, JsonObject? Body)
    {
        public override string ToString() => $"{File}: {Line}";
    }
}
