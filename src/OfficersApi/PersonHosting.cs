using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;

namespace ZwCa.OfficersApi;

/// <summary>Persons in a service that has officers.</summary>
public static class PersonHosting
{
    /// <summary>Registers <see cref="PersonRegistry"/>, made when it is first asked for, at the start.</summary>
    /// <param name="indexKey">Label of the key that ID numbers are indexed with.</param>
    /// <param name="dataKek">Label of the key that wraps the data keys.</param>
    public static void AddPersons(this IServiceCollection services, string indexKey, string dataKek) =>
        services.AddSingleton(provider => OpenAsync(provider, indexKey, dataKek).GetAwaiter().GetResult());

    private static async Task<PersonRegistry> OpenAsync(IServiceProvider provider, string indexKey, string dataKek) => await PersonRegistry.OpenAsync(
        provider.GetRequiredService<Database>(),
        provider.GetRequiredService<AuditLog>(),
        provider.GetRequiredService<IHsm>(),
        await provider.GetKeyAsync(indexKey),
        await provider.GetKeyAsync(dataKek),
        provider.GetRequiredService<TimeProvider>());
}
