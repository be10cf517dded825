using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Tests.Hsm.Pkcs11;

public class Pkcs11OptionsTests
{
    public static TheoryData<string, int, int, int> OutOfBounds => new()
    {
        { "", 8, 30, 300 }, { " ", 8, 30, 300 }, { "ca", 0, 30, 300 }, { "ca", 257, 30, 300 }, { "ca", 8, 0, 300 }, { "ca", 8, 30, 3601 },
    };

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public async Task OptionOutOfBounds_IsRefused(string label, int sessions, int request, int generate) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Pkcs11Hsm.ConnectAsync(
            Options(label, sessions, request, generate), TestContext.Current.CancellationToken));

    /// <summary>The control: bounds are inside, and the library is looked for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public async Task OptionsWithinBounds_AreTaken(int sessions)
    {
        Requires.Condition(!OperatingSystem.IsWindows(), "Linux or macOS");
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => Pkcs11Hsm.ConnectAsync(
            Options("ca", sessions, 3600, 3600), TestContext.Current.CancellationToken));

        Assert.Equal(HsmFailure.Unreachable, e.Failure);
        Assert.Contains("no-such-library.so cannot be loaded", e.Message);
    }

    private static Pkcs11Options Options(string label, int sessions, int request, int generate) => new()
    {
        Library = "no-such-library.so",
        TokenLabel = label,
        Pin = () => throw new InvalidOperationException("No token, no PIN."),
        Sessions = sessions,
        RequestTimeout = TimeSpan.FromSeconds(request),
        GenerateTimeout = TimeSpan.FromSeconds(generate),
    };
}
