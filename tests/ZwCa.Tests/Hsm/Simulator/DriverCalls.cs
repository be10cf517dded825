using ZwCa.Hsm;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>What the tests of the driver have in common.</summary>
internal static class DriverCalls
{
    public static readonly HsmKey Sm2Key = new(new KeyLabel("ca-1"), HsmKeyKind.Sm2, null);
    public static readonly HsmKey HmacKey = new(new KeyLabel("mac"), HsmKeyKind.HmacSm3, null);
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<HsmFailure> FailureOf<T>(Task<T> call) =>
        (await Assert.ThrowsAsync<HsmException>(() => call.WaitAsync(Patience, Token))).Failure;

    /// <summary>Again while the failure may pass.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<Task<T>> call)
    {
        T result = default!;
        await UntilAsync(async () =>
        {
            try
            {
                result = await call();
                return true;
            }
            catch (HsmException e) when (e.IsTransient)
            {
                return false;
            }
        });
        return result;
    }

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
