using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.ServiceDefaults.Links;

public sealed class LinkCertificateTests : IDisposable
{
    private const string Password = "link-password";

    private readonly TemporaryFolder _folder = new();
    private readonly SystemCa _ca = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _ca.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void AnEncryptedKeyIsReadWithItsPassword_AndWithNoOther()
    {
        Write(_ca.Issue("ra-11"), Password);

        using X509Certificate2 loaded = Files(Password).Load(DateTimeOffset.UtcNow);
        Assert.True(loaded.HasPrivateKey);
        Assert.Throws<LinkCertificateException>(() => Files("another").Load(DateTimeOffset.UtcNow));
        Assert.Throws<LinkCertificateException>(() => Files(null).Load(DateTimeOffset.UtcNow));
    }

    [Fact]
    public void AnUnencryptedKeyIsNotTakenForAnEncryptedOne()
    {
        Write(_ca.Issue("ra-11"), password: null);

        Assert.Throws<LinkCertificateException>(() => Files(Password).Load(DateTimeOffset.UtcNow));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupRead | UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void AKeyFileThatOthersMayOpenIsRefused(UnixFileMode more)
    {
        Write(_ca.Issue("ra-11"), Password, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);

        LinkCertificateException e = Assert.Throws<LinkCertificateException>(() => Files(Password).Load(DateTimeOffset.UtcNow));
        Assert.Contains("0600", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 90, null)]
    [InlineData(0, 91, "more than 90 days")]
    [InlineData(-61, 60, "expired")]
    [InlineData(1, 60, "valid only from")]
    public void ALinkCertificateIsValidNow_ForNinetyDaysAtMost(int from, int days, string? wrong)
    {
        Write(_ca.Issue("ra-11", notBefore: DateTimeOffset.UtcNow.AddDays(from).AddMinutes(-1), validity: TimeSpan.FromDays(days)), Password);

        if (wrong is null)
        {
            Files(Password).Load(DateTimeOffset.UtcNow).Dispose();
        }
        else
        {
            Assert.Contains(wrong, Assert.Throws<LinkCertificateException>(() => Files(Password).Load(DateTimeOffset.UtcNow)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ACertificateWithAnotherKeyIsRefused()
    {
        Write(_ca.Issue("ra-11"), Password);
        using X509Certificate2 another = _ca.Issue("ra-11");
        File.WriteAllText(_folder.File("link.pem"), another.ExportCertificatePem());

        Assert.Throws<LinkCertificateException>(() => Files(Password).Load(DateTimeOffset.UtcNow));
    }

    /// <summary>What was wrong may pass without a change of the files.</summary>
    [Fact]
    public void ARenewalThatCouldNotBeUsedIsTriedAgain()
    {
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        Write(_ca.Issue("first"), Password);
        var link = new LinkCertificate(Files(Password), clock, TimeSpan.Zero, NullLogger.Instance);
        Write(_ca.Issue("second of tomorrow", notBefore: DateTimeOffset.UtcNow.AddDays(1)), Password);
        Assert.Equal("CN=first", link.Current.Subject);
        Assert.NotNull(link.RenewalFailure);

        clock.Advance(TimeSpan.FromDays(2));

        Assert.NotEqual("CN=first", link.Current.Subject);
        Assert.Null(link.RenewalFailure);
    }

    [Fact]
    public void ARenewalIsPickedUpOnceBothFilesAreThere()
    {
        Write(_ca.Issue("first"), Password);
        var link = new LinkCertificate(Files(Password), TimeProvider.System, TimeSpan.Zero, NullLogger.Instance);
        Assert.Equal("CN=first", link.Current.Subject);

        using X509Certificate2 second = _ca.Issue("second");
        File.WriteAllText(_folder.File("link.pem"), second.ExportCertificatePem() + "\n");
        Assert.Equal("CN=first", link.Current.Subject);
        Assert.NotNull(link.RenewalFailure);

        Write(second, Password);
        Assert.Equal("CN=second", link.Current.Subject);
        Assert.Null(link.RenewalFailure);
    }

    [Fact]
    public async Task ARunningServiceShowsTheRenewedCertificateToTheNextConnection()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Options = options => options with { Link = options.Link with { LookEvery = TimeSpan.Zero } },
        });
        Assert.Equal("公开", await service.CreateClient(null).GetStringAsync("/public", Cancellation));
        string before = await ServerThumbprintAsync(service);

        using X509Certificate2 renewed = service.Ca.Issue(SampleService.Name);
        SystemCa.Write(renewed, service.File("link.pem"), service.File("link.key"), null);

        Assert.NotEqual(before, renewed.Thumbprint);
        Assert.Equal(renewed.Thumbprint, await ServerThumbprintAsync(service));
    }

    private static async Task<string> ServerThumbprintAsync(SampleService service)
    {
        string? seen = null;
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) => (seen = certificate!.Thumbprint) is not null,
        };
        using var client = new HttpClient(handler) { BaseAddress = service.Address };
        using HttpResponseMessage answer = await client.GetAsync("/public", Cancellation);
        await answer.ThrowIfRefusedAsync(Cancellation);
        return seen!;
    }

    private LinkFiles Files(string? password) => new(_folder.File("link.pem"), _folder.File("link.key"), password);

    private void Write(X509Certificate2 certificate, string? password, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        SystemCa.Write(certificate, _folder.File("link.pem"), _folder.File("link.key"), password, mode);
}
