using ZwCa.Data;

namespace ZwCa.Tests.Data;

public sealed class DatabaseKindsTests
{
    /// <summary>The tables of tests below have a case for each kind that is here; this says which are not, and lets nobody forget PostgreSQL.</summary>
    [Fact]
    public void KindNotHere_IsSaid()
    {
        foreach (DatabaseKind missing in Enum.GetValues<DatabaseKind>().Where(kind => !TestDatabase.IsHere(kind)))
        {
            TestContext.Current.AddWarning($"not run here: {missing.ToString().ToLowerInvariant()}");
        }

        Assert.True(
            TestDatabase.IsHere(DatabaseKind.PostgreSql) || Environment.GetEnvironmentVariable("CI") != "true", "CI=true and ZWCA_TEST_POSTGRES is not set");
    }
}
