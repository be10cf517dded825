using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Demo;

/// <summary>What relying parties hear: CRLs and OCSP.</summary>
internal sealed partial class DemoProvince
{
    /// <summary>Fetched as a relying party does: over plain http, from the place that the certificate names.</summary>
    private async Task<bool> ShowCrlAsync(DemoParty first, DemoParty second)
    {
        TbsCertificate revoked = Issued[0].Tbs;
        Certificate issuer = _ceremony.Certificate("issuing-s1");
        var point = (FullName)revoked.Extensions!.Find<CrlDistributionPoints>()!.Points[0].Name!;
        string place = ((UniformResourceIdentifier)point.Names[0]).Uri;
        string path = new Uri(place).AbsolutePath;
        DemoCommand.Report($"the certificate names its CRL: {place}", true);
        using var client = new HttpClient { BaseAddress = Publication };
        CrlFile before = await FetchAsync(_ => true);

        var order = new CommandBody("crl.emergency", Der.Encode(new CrlOrder(issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier)));
        await DecideAsync(first, second, order, RegionCode.Nation.Value);
        CrlFile after = await FetchAsync(crl => crl.Number > before.Number);
        bool isListed = Lists(after, revoked.SerialNumber);
        bool good = DemoCommand.Report($"number {before.Number} of {before.ThisUpdate.Value:HH:mm:ss}, {(Lists(before, revoked.SerialNumber) ? "has" : "does not have")} the certificate", true);
        good &= DemoCommand.Report("two officers order a new one at once", after.IsOf(issuer) && after.IsSignedBy(issuer));
        good &= DemoCommand.Report($"number {after.Number} of {after.ThisUpdate.Value:HH:mm:ss}, {(isListed ? "has it" : "does not have it")}; good until {after.NextUpdate!.Value:u}", isListed);
        return good;

        async Task<CrlFile> FetchAsync(Func<CrlFile, bool> isWanted)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            while (clock.Elapsed < Patience)
            {
                using HttpResponseMessage answer = await client.GetAsync(path);
                if (answer.IsSuccessStatusCode && CrlFile.Read(await answer.Content.ReadAsByteArrayAsync()) is { } crl && isWanted(crl))
                {
                    return crl;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }

            throw new DemoException($"No new CRL came to {path} within {Patience.TotalSeconds} seconds.");
        }

        static bool Lists(CrlFile crl, SerialNumber serial)
        {
            foreach (CrlEntryView entry in crl.ReadEntries())
            {
                if (entry.SerialNumber.SequenceEqual(serial.Content))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Asked about everything that was issued here.</summary>
    private async Task<bool> ShowOcspAsync()
    {
        Certificate sm2 = _ceremony.Certificate("issuing-s1");
        Certificate rsa = _ceremony.Certificate("issuing-r1");
        DemoResponder responder = Responder;
        bool good = await responder.SaysAsync("the SM2 server certificate, which was revoked", Issued[0].Tbs.SerialNumber, sm2, "revoked");
        good &= await responder.SaysAsync("the RSA server certificate", Issued[1].Tbs.SerialNumber, rsa, "good");
        good &= await responder.SaysAsync("张三's new signing certificate", Pair.Signing.Tbs.SerialNumber, sm2, "good");
        good &= await responder.SaysAsync("his new encryption certificate", Pair.Encryption.Tbs.SerialNumber, sm2, "good");
        good &= await responder.SaysAsync("those of his lost token", Lost.Signing.Tbs.SerialNumber, sm2, "revoked");
        good &= await responder.SaysAsync("and its encryption certificate", Lost.Encryption.Tbs.SerialNumber, sm2, "revoked");
        good &= await responder.SaysAsync("asked with a nonce", Pair.Signing.Tbs.SerialNumber, sm2, "good", isFresh: true);
        good &= await responder.SaysAsync("asked by SM3", Pair.Signing.Tbs.SerialNumber, sm2, "good", CertIdHash.Sm3);
        return good & await responder.SaysAsync("a serial number that nobody has issued", SerialNumbers.Create(), sm2, "unknown");
    }
}
