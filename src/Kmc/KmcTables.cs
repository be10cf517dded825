using ZwCa.Data;

namespace ZwCa.Kmc;

/// <summary>The KMC's own tables, above those of officers.</summary>
public static class KmcTables
{
    public static MigrationSet Migrations { get; } = new("kmc", typeof(KmcTables).Assembly);
}
