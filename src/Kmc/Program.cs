using Microsoft.Extensions.DependencyInjection;
using ZwCa.Kmc;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Verbs;

// The KMC: makes, keeps and gives back subscribers' encryption keys. `zwca-kmc --help` says the verbs.
var program = new ServiceProgram
{
    Description = "政务CA (ZWCA), the KMC service: makes, keeps and gives back the encryption keys of subscribers.",
    Section = KmcOptions.Section,
    Tables = KmcHosting.Tables,
    Add = KmcHosting.Add,
    Map = KmcHosting.Map,
    Checks = KmcHosting.Checks,
    Verbs = [RollbackVerb.Of(services => services.GetRequiredService<KmcOptions>().Name)],
};
return await program.RunAsync(args);
