using Microsoft.Extensions.DependencyInjection;
using ZwCa.OfficersApi;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Verbs;

// A province's RA: takes applications in, lets officers decide about them, asks the CA, hands out. `zwca-ra --help` says the verbs.
var program = new ServiceProgram
{
    Description = "政务CA (ZWCA), the RA service of a province: takes applications in, lets officers decide about them, asks the CA, and hands out.",
    Section = RaOptions.Section,
    Tables = RaHosting.Tables,
    Add = RaHosting.Add,
    Map = RaHosting.Map,
    Checks = RaHosting.Checks,
    Verbs = [RollbackVerb.Of(services => services.GetRequiredService<RaOptions>().Name)],
};
return await program.RunAsync(args);
