using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using ZwCa.Contracts;
using ZwCa.Tests.Architecture;

namespace ZwCa.Tests.Contracts;

public sealed partial class RefusalTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<Refusal> Kinds => [.. Enum.GetValues<Refusal>()];

    [Fact]
    public void TheDocumentsTableIsThatOfTheCode()
    {
        string[] written = [.. Row().Matches(RepositoryTree.ReadText("docs/ERRORS.md")).Select(row => $"{row.Groups[1].Value} {row.Groups[2].Value} {row.Groups[3].Value}")];

        Assert.Equal(Enum.GetValues<Refusal>().Select(kind => $"{kind} {RefusalKinds.StatusOf(kind)} {RefusalKinds.TitleOf(kind)}"), written);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ARefusalComesOutOfItsDocumentAsItWentIn(Refusal kind)
    {
        var refusal = new RefusalException(kind, "张三的申请“𠮷”不能办理：<第1条>", TimeSpan.FromMilliseconds(1500));
        using HttpResponseMessage response = Response(RefusalKinds.StatusOf(kind), Problem.Of(refusal, "ab12").ToJson());

        RefusalException back = await Assert.ThrowsAsync<RefusalException>(() => response.ThrowIfRefusedAsync(Cancellation));

        Assert.Equal((kind, refusal.Message, TimeSpan.FromSeconds(2), true), (back.Kind, back.Message, back.RetryAfter, back.FromPeer));
    }

    [Fact]
    public void ADetailThatIsTooLongIsCutBetweenCharacters()
    {
        Problem problem = Problem.Of(new RefusalException(Refusal.NotFound, "a" + string.Concat(Enumerable.Repeat("𠮷", Problem.MaxDetailLength))), null);

        Assert.True(problem.Detail!.Length <= Problem.MaxDetailLength);
        Assert.EndsWith("𠮷…", problem.Detail, StringComparison.Ordinal);
        Assert.True(problem.ToJson().Length <= Problem.MaxLength);
    }

    public static TheoryData<int, string, string> Strange => new()
    {
        { 500, Problem.ContentType, """{"type":"about:blank","title":"x","status":500}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:OfTomorrow","title":"x","status":404}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:notfound","title":"x","status":404}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:7","title":"x","status":404}""" },
        { 502, Problem.ContentType, """{"type":"urn:zwca:refusal:NotFound","title":"x","status":404,"detail":"x"}""" },
        { 404, "application/json", """{"type":"urn:zwca:refusal:NotFound","title":"x","status":404,"detail":"x"}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:NotFound","title":null,"status":404}""" },
        { 404, Problem.ContentType, """{"type":null,"title":"x","status":404}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:NotFound"}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:NotFound","title":"x","status":404,"detail":"\ud800"}""" },
        { 404, Problem.ContentType, """{"type":"urn:zwca:refusal:NotFound","title":"x","status":404} trailing""" },
        { 404, Problem.ContentType, new string('[', 10_000) },
        { 404, Problem.ContentType, "null" },
        { 404, Problem.ContentType, "" },
        { 503, "text/html", "<html>proxy</html>" },
    };

    [Theory]
    [MemberData(nameof(Strange))]
    public async Task WhatIsNoDocumentOfOursIsNotTakenForARefusal(int status, string type, string body)
    {
        using HttpResponseMessage response = Response(status, Encoding.UTF8.GetBytes(body), type);

        UnexpectedResponseException e = await Assert.ThrowsAsync<UnexpectedResponseException>(() => response.ThrowIfRefusedAsync(Cancellation));

        Assert.Equal(status, e.Status);
    }

    [Fact]
    public async Task ADocumentWithoutEndIsNotReadToItsEnd()
    {
        using var endless = new Endless();
        using var content = new StreamContent(endless);
        content.Headers.ContentType = new(Problem.ContentType);
        using var response = new HttpResponseMessage(HttpStatusCode.NotFound) { Content = content };

        await Assert.ThrowsAsync<UnexpectedResponseException>(() => response.ThrowIfRefusedAsync(Cancellation));
        Assert.InRange(endless.Taken, 1, 4 * Problem.MaxLength);
    }

    [Fact]
    public async Task AStrangeRequestIdIsNotRepeated()
    {
        using HttpResponseMessage response = Response(500, """{"type":"about:blank","title":"x","status":500,"requestId":"a\nb"}"""u8.ToArray());

        Assert.Null((await Assert.ThrowsAsync<UnexpectedResponseException>(() => response.ThrowIfRefusedAsync(Cancellation))).RequestId);
    }

    private static HttpResponseMessage Response(int status, byte[] body, string type = Problem.ContentType)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new(type);
        return new HttpResponseMessage((HttpStatusCode)status) { Content = content };
    }

    [GeneratedRegex(@"^\| `(\w+)` \| (\d+) \| ([^|]+) \| [^|]+ \| [^|]+ \| (?:yes|no) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    private sealed class Endless : Stream
    {
        public long Taken { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            Taken += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
