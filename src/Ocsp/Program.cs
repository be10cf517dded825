using ZwCa.Ocsp;
using ZwCa.ServiceDefaults.Verbs;

// A responder: pulls the CA's feed, and answers from memory. `zwca-ocsp --help` says the verbs.
var program = new ServiceProgram
{
    Description = "政务CA (ZWCA), the OCSP responder: answers whether certificates are good.",
    Section = OcspOptions.Section,
    HasDatabase = false,
    Add = OcspHosting.Add,
    Map = _ => { },
    Checks = OcspHosting.Checks,
};
return await program.RunAsync(args);
