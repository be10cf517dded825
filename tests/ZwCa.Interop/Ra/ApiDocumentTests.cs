using System.Text.Json.Nodes;

namespace ZwCa.Interop.Ra;

/// <summary>The RA's OpenAPI document, judged by another program: it makes a client of it, and the compiler takes that.</summary>
public sealed class ApiDocumentTests
{
    [Fact]
    public async Task AClientMadeFromTheDocument_Compiles()
    {
        string nswag = Requires.NSwag();
        using var folder = new TemporaryFolder();

        string code = await GeneratedClient.MakeAsync(nswag, folder, "RaClient", await RaDocument.MakeAsync(TestContext.Current.CancellationToken));

        Assert.Contains("Task<EnrollmentAnswer> CreateEnrollmentAsync(EnrollmentRequest ", code);
        Assert.Contains("Task<EnrollmentAnswer> ReviewEnrollmentAsync(string ", code);
        Assert.Contains("Task<TrackingAnswer> TrackAsync(string ", code);

        // What a field means is said where it is used.
        Assert.Contains("new, renew, rekey, change (of data), replace (a lost token)", code);
    }

    [Fact]
    public async Task EveryOperation_HasAnIdOfItsOwn_ASummary_AndATag()
    {
        string document = await RaDocument.MakeAsync(TestContext.Current.CancellationToken);

        (string Operation, JsonObject Description)[] all = [.. RaDocument.Operations(document)];
        Assert.Empty(all.Where(each => (string?)each.Description["summary"] is not { Length: > 0 } || each.Description["tags"]?.AsArray().Count != 1).Select(each => each.Operation));
        Assert.Equal(all.Length, all.Select(each => (string)each.Description["operationId"]!).Distinct().Count());
        string[] tags = [.. JsonNode.Parse(document)!["tags"]!.AsArray().Select(tag => (string)tag!["name"]!)];
        Assert.Superset(all.Select(each => (string)each.Description["tags"]![0]!).ToHashSet(), tags.ToHashSet());
    }
}
