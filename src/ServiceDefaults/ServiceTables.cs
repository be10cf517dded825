using ZwCa.Data;

namespace ZwCa.ServiceDefaults;

/// <summary>What every service with a database has: its registered clients, and the answers to signed messages.</summary>
public static class ServiceTables
{
    public static MigrationSet Migrations { get; } = new("service", typeof(ServiceTables).Assembly);
}
