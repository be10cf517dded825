using ZwCa.Data;

namespace ZwCa.Ra;

/// <summary>The RA's own tables, above those of officers.</summary>
public static class RaTables
{
    public static MigrationSet Migrations { get; } = new("ra", typeof(RaTables).Assembly);
}
