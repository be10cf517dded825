using ZwCa.Contracts.Ra;

namespace ZwCa.Tests.Ra;

/// <summary>What comes about at an RA by itself.</summary>
internal static class RaWaiting
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The RA has heard of him.</summary>
    public static Task UntilKnownAsync(RaStage stage, StageOfficer officer) => UntilAsync(
        async () => await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM officer WHERE certificate_serial = @Serial", new { Serial = officer.SerialNumber.ToString() }, Token) > 0,
        $"the RA knows {officer.SerialNumber}");

    /// <returns>The enrollment as it was then.</returns>
    public static async Task<EnrollmentAnswer> UntilAsync(RaCounter counter, EnrollmentAnswer enrollment, Func<EnrollmentAnswer, bool> reached)
    {
        EnrollmentAnswer now = enrollment;
        await UntilAsync(
            async () =>
            {
                now = await counter.ShowAsync(enrollment, counter.Province);
                return reached(now);
            },
            $"enrollment {enrollment.Id} gets there");
        return now;
    }

    public static async Task UntilAsync(Func<Task<bool>> reached, string what)
    {
        for (int i = 0; i < 1500; i++)
        {
            if (await reached())
            {
                return;
            }

            await Task.Delay(20, Token);
        }

        throw new TimeoutException($"Not within half a minute: {what}.");
    }
}
