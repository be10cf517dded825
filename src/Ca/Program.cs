using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca;
using ZwCa.Ca.Verbs;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Verbs;

// The CA: signed requests in, certificates out. `zwca-ca --help` says the verbs.
var program = new ServiceProgram
{
    Description = "政务CA (ZWCA), the CA service: issues, revokes and keeps the records.",
    Section = CaOptions.Section,
    Tables = CaHosting.Tables,
    Add = CaHosting.Add,
    Map = CaHosting.Map,
    Checks = CaHosting.Checks,
    Verbs = [ImportVerb.Import, RollbackVerb.Of(services => services.GetRequiredService<CaOptions>().Name)],
};
return await program.RunAsync(args);
