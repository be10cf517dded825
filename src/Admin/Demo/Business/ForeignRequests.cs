using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>Certification requests that other tools made: each is a server of a province's organisation, whose key is elsewhere.</summary>
internal sealed class ForeignRequests(DemoClerks clerks, DemoState state, OutputFolder output)
{
    /// <param name="organization">Whose servers they are. Id.</param>
    /// <param name="agent">Who comes for it.</param>
    /// <returns>What was issued, by file; what was refused is reported.</returns>
    public async Task<IReadOnlyList<(string File, EnrollmentAnswer Enrollment)>> RunAsync(IReadOnlyList<FileInfo> files, string organization, string region, AgentRequest agent)
    {
        DemoScreen.Open("Requests of other tools · 其他工具的证书请求", "The key of each request counts, and the proof that its owner has it; what goes into the certificate, the RA knows.");
        var issued = new List<(string, EnrollmentAnswer)>();
        for (int i = 0; i < files.Count; i++)
        {
            string file = files[i].Name;
            string number = (i + 1).ToString(CultureInfo.InvariantCulture);
            try
            {
                byte[] csr = Read(files[i]);
                string name = $"csr{number}.zwca.example";
                bool isRsa = Der.Decode<CertificationRequest>(csr).Info.SubjectPublicKeyInfo.Algorithm == AlgorithmIdentifier.Rsa;
                SubscriberAnswer server = await clerks.Entry.PostAsync<SubscriberAnswer>(
                    "/subscribers", new SubscriberRequest { Kind = "device", Region = region, Name = "服务器", Number = name, Organization = organization }, state.RequestOf($"csr/{number}/subscriber"));
                EnrollmentAnswer enrollment = await clerks.CarryAsync($"csr/{number}", new EnrollmentRequest
                {
                    Kind = "new",
                    Region = region,
                    Profile = isRsa ? DemoRa.ServerRsa : DemoRa.ServerSm2,
                    Subscriber = server.Id,
                    Csr = csr,
                    AlternativeNames = [$"DNS:{name}"],
                    Agent = agent,
                });
                issued.Add((file, enrollment));
                DemoScreen.Report($"{file}: {(isRsa ? "RSA" : "SM2")} certificate {enrollment.Certificates[0].Serial}", true);
            }
            catch (Exception e) when (e is RefusalException or DerException or FormatException)
            {
                // A key that no profile takes is refused as it should be; the rest goes on.
                DemoScreen.Report($"{file}: refused ({(e as RefusalException)?.Kind.ToString() ?? "no PKCS #10"}: {e.Message})", true);
                output.Describe(new IndexEntry(file, $"a certification request that was refused: {e.Message}"));
            }
        }

        return issued;
    }

    /// <summary>PEM or DER.</summary>
    private static byte[] Read(FileInfo file) => Der.Encode(CsrFile.Read(File.ReadAllBytes(file.FullName)));
}
