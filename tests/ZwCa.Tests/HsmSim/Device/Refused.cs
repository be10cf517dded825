using ZwCa.Hsm;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>That the device says no, and why: a test that only sees it fail may see it fail for another reason.</summary>
internal static class Refused
{
    /// <param name="reason">Part of the message.</param>
    public static async Task With(HsmFailure failure, string reason, Func<Task> call)
    {
        HsmException thrown = await Assert.ThrowsAsync<HsmException>(call);
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(failure, thrown.Failure);
    }

    public static Task For(string reason, Func<Task> call) => With(HsmFailure.Refused, reason, call);

    /// <param name="reason">Part of the message.</param>
    public static void Now(HsmFailure failure, string reason, Action call)
    {
        HsmException thrown = Assert.Throws<HsmException>(call);
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(failure, thrown.Failure);
    }
}
