using System.Net;

namespace ZwCa.Tests.ServiceDefaults.Links;

public sealed class LinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARegisteredClientIsKnownByItsName()
    {
        await using SampleService service = await SampleService.StartAsync();
        HttpClient client = await service.RegisterAsync("ra-11");

        Assert.Equal("ra-11", await client.GetStringAsync("/who", Cancellation));
    }

    [Fact]
    public async Task APublicEndpointNeedsNoCertificate()
    {
        await using SampleService service = await SampleService.StartAsync();

        using HttpResponseMessage answer = await service.CreateClient(null).GetAsync("/public", Cancellation);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
