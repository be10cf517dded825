using System.Net;
using System.Net.Sockets;
using ZwCa.Asn1;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Everybody may ask it, and whoever may write to the folder may not make it say what is not for everybody.</summary>
public sealed class PublicationListenerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsNeitherACrlNorACertificate_OrIsALink_IsNotGivenOut_AndNotRemembered()
    {
        Requires.Condition(OperatingSystem.IsLinux(), "links and pipes");
        using var folder = new TemporaryFolder();
        (CrlStory story, HttpClient http) = await StartAsync();
        await using CrlStory ended = story;
        using HttpClient closed = http;
        await story.Stage.PublishAsync();
        await File.WriteAllBytesAsync(folder.File("all.crl"), story.Served(), Token);
        string ca = $"ca/{story.Scope.Authority.KeyIdentifier}.cer";
        await File.WriteAllBytesAsync(folder.File("key"), Der.Encode(story.Scope.Authority.Certificate), Token);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, story.Scope.Path)).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, ca)).Status);

        string crls = Path.Combine(story.Folder, "crl/00112233"), certificates = Path.Combine(story.Folder, "ca");
        Directory.CreateDirectory(crls);
        await File.WriteAllTextAsync(Path.Combine(crls, "text.crl"), "secret", Token);
        await File.WriteAllBytesAsync(Path.Combine(crls, "empty.crl"), [], Token);
        await File.WriteAllBytesAsync(Path.Combine(crls, "half.crl"), story.Served()[..^1], Token);
        await File.WriteAllBytesAsync(Path.Combine(crls, "whole.crl"), story.Served(), Token);
        File.CreateSymbolicLink(Path.Combine(crls, "link.crl"), folder.File("all.crl"));
        File.CreateSymbolicLink(Path.Combine(crls, "zero.crl"), "/dev/zero");
        PlainFolderTests.MakePipe(Path.Combine(crls, "pipe.crl"));
        Directory.CreateDirectory(Path.Combine(crls, "folder.crl"));
        Directory.CreateSymbolicLink(Path.Combine(story.Folder, "crl/44556677"), folder.Path);
        await File.WriteAllTextAsync(Path.Combine(certificates, "00112233.cer"), "secret", Token);
        File.CreateSymbolicLink(Path.Combine(certificates, "44556677.cer"), folder.File("key"));
        await File.WriteAllBytesAsync(Path.Combine(certificates, "8899aabb.cer"), new byte[(64 << 10) + 1], Token);
        PlainFolderTests.MakePipe(Path.Combine(certificates, "ccddeeff.cer"));

        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "crl/00112233/whole.crl")).Status);
        foreach (string name in new[]
        {
            "crl/00112233/text.crl", "crl/00112233/empty.crl", "crl/00112233/half.crl", "crl/00112233/link.crl", "crl/00112233/zero.crl", "crl/00112233/pipe.crl", "crl/00112233/folder.crl",
            "crl/44556677/all.crl", "ca/00112233.cer", "ca/44556677.cer", "ca/8899aabb.cer", "ca/ccddeeff.cer", "crl/00112233/none.crl",
        })
        {
            (HttpStatusCode status, string? cached, _) = await GetAsync(http, name);
            Assert.True((status, cached) == (HttpStatusCode.NotFound, "no-store"), $"{name}: {status} {cached}");
        }
    }

    /// <summary>A cache that has got the damaged one asks with its tag.</summary>
    [Fact]
    public async Task AFileThatWasDamagedAndPutRight_HasAnotherTag()
    {
        (CrlStory story, HttpClient http) = await StartAsync();
        await using CrlStory ended = story;
        using HttpClient closed = http;
        await story.Stage.PublishAsync();
        byte[] damaged = story.Served();
        damaged[^1] ^= 1;
        await File.WriteAllBytesAsync(story.File, damaged, Token);
        string? tag = (await GetAsync(http, story.Scope.Path)).Tag;
        Assert.NotNull(tag);

        await story.Stage.PublishAsync();
        Assert.NotEqual(tag, (await GetAsync(http, story.Scope.Path)).Tag);
        Assert.Equal(story.Served(), await http.GetByteArrayAsync(story.Scope.Path, Token));
    }

    [Fact]
    public async Task OneVisitor_HasSoManyConnections_AndNoMore()
    {
        (CrlStory story, HttpClient http) = await StartAsync();
        await using CrlStory ended = story;
        using HttpClient closed = http;
        var held = new List<TcpClient>();
        try
        {
            for (int i = 0; i < 64; i++)
            {
                held.Add(new TcpClient());
                await held[^1].ConnectAsync(http.BaseAddress!.Host, http.BaseAddress.Port, Token);
            }

            // All of those have come in, in whatever order: they are answered, each.
            foreach (TcpClient each in held)
            {
                await each.GetStream().WriteAsync("GET /none HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
                Assert.True(await each.GetStream().ReadAsync(new byte[1024], Token) > 0);
            }

            await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetAsync(story.Scope.Path, Token));
        }
        finally
        {
            held.ForEach(each => each.Dispose());
        }

        // They have gone.
        for (int i = 0; ; i++)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(story.Scope.Path, Token);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                return;
            }
            catch (HttpRequestException) when (i < 50)
            {
                await Task.Delay(100, Token);
            }
        }
    }

    private static async Task<(CrlStory Story, HttpClient Http)> StartAsync()
    {
        string listen = $"127.0.0.1:{CaProcess.FreePort()}";
        CrlStory story = await CrlStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:Listen"] = listen });
        return (story, new HttpClient { BaseAddress = new Uri($"http://{listen}/"), Timeout = TimeSpan.FromSeconds(20) });
    }

    private static async Task<(HttpStatusCode Status, string? Cached, string? Tag)> GetAsync(HttpClient http, string name)
    {
        using HttpResponseMessage answer = await http.GetAsync(name, Token);
        return (answer.StatusCode, answer.Headers.CacheControl?.ToString(), answer.Headers.ETag?.Tag);
    }
}
