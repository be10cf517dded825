using ZwCa.Data;

namespace ZwCa.Ca;

/// <summary>The CA's own tables, above those of officers.</summary>
public static class CaTables
{
    public static MigrationSet Migrations { get; } = new("ca", typeof(CaTables).Assembly);
}
