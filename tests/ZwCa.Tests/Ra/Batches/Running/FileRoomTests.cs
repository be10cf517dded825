using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Ra.Batches.Files;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>How many files a node has in its memory at once.</summary>
public sealed class FileRoomTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage => fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhereThereIsNoRoom_AFileIsRefusedUnread_AndTakenLater()
    {
        BatchAnswer batch = await Stage.PostAsync<BatchAnswer>(Stage.City, "/batches", new BatchRequest { Kind = "import", Region = CaScene.City, Title = "同时上传" });
        byte[] file = ApplicantText.File(ApplicantText.Person(77_001));
        FileRoom room = Stage.App.Services.GetRequiredService<FileRoom>();
        var ended = new TaskCompletionSource();
        Task[] others = [.. Enumerable.Range(0, FileRoom.AtOnce).Select(_ => room.RunAsync(new DefaultHttpContext(), _ => ended.Task))];

        RefusalException refusal = await RaStage.RefusedAsync(() => Stage.PutFileAsync(Stage.City, batch.Id, file), Refusal.Unavailable);
        Assert.Equal(TimeSpan.FromSeconds(10), refusal.RetryAfter);
        Assert.Null((await Stage.GetAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}")).File);
        var unread = new DefaultHttpContext { Request = { Body = new Unread() } };
        await Assert.ThrowsAsync<RefusalException>(() => room.RunAsync(unread, http => http.Request.Body.CopyToAsync(Stream.Null, Token)));

        // One that failed has made room, too.
        ended.SetException(new InvalidOperationException("The client has gone."));
        await Task.WhenAll(others).ContinueWith(static _ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        Assert.NotNull((await Stage.PutFileAsync(Stage.City, batch.Id, file)).File);
        Assert.Equal("done", (await Stage.UntilEndedAsync(Stage.City, batch.Id)).State);
    }

    private sealed class Unread : MemoryStream
    {
        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => throw new InvalidOperationException("It is read.");
    }
}
