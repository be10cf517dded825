using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Ceremony;

/// <summary>Ceremonies that go on from one another; openssl looks at what they make.</summary>
public sealed class LaterDaysTests
{
    /// <summary>A rollover rehearsal, and everything around it: each ceremony goes on from the one before.</summary>
    [Fact]
    public async Task RollingOverAnIssuingCa_BothStandSideBySide()
    {
        using var openssl = new OpenSsl();
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.CompleteAsync();
        string first = stage.Output;
        Certificate root = Made.Certificate(first, "root-s1");

        // A CA is revoked: the ARL gets the next number, and the entry stays on it from then on.
        string second = await GoOnAsync(stage, first, "renew-arl", "root-s1", "a", plan =>
            plan["crls"]![0]!["revoke"] = JsonNode.Parse("""[{"certificate": "ops-s1", "reason": "cessationOfOperation"}]"""));
        RequireArl(second, "arl-root-s1-a", "2");

        // The issuing CA rolls over.
        string third = await GoOnAsync(stage, second, "rollover", "issuing-s1", "g2");
        RequireArl(third, "arl-root-s1-g2", "3");
        (Certificate old, Certificate rolled) = (Made.Certificate(third, "issuing-s1"), Made.Certificate(third, "issuing-s1-g2"));
        Assert.Equal(old.Tbs.Subject, rolled.Tbs.Subject);
        Assert.NotEqual(Made.SkiOf(old), Made.SkiOf(rolled));
        openssl.VerifiesLink(root, old);
        openssl.VerifiesLink(root, rolled);

        // Both have their own CRL, which holds under their own key only.
        byte[] oldCrl = Made.Crl(third, "crl-issuing-s1");
        byte[] newCrl = Made.Crl(third, "crl-issuing-s1-g2");
        openssl.VerifiesUnder(old, oldCrl);
        openssl.VerifiesUnder(rolled, newCrl);
        openssl.RefusesCrl(old, newCrl);
        openssl.RefusesCrl(rolled, oldCrl);

        // Each issues, and says where its own CRL is.
        string fourth = await GoOnAsync(stage, third, "add-ocsp-node", "issuing-s1", "n1", plan => AddLeaves(plan, "issuing-s1", "issuing-s1-g2"));
        foreach ((Certificate ca, Certificate other, string leaf) in ((Certificate, Certificate, string)[])[(old, rolled, "leaf-issuing-s1"), (rolled, old, "leaf-issuing-s1-g2")])
        {
            Certificate certificate = Made.Certificate(fourth, leaf);
            openssl.VerifiesLink(ca, certificate);
            openssl.RefusesLink(other, certificate);
            var point = (UniformResourceIdentifier)((FullName)certificate.Tbs.Extensions!.Find<CrlDistributionPoints>()!.Points[0].Name!).Names[0];
            Assert.Contains($"/{Made.SkiOf(ca)}/", point.Uri, StringComparison.Ordinal);
        }

        openssl.VerifiesLink(old, Made.Certificate(fourth, "ocsp-n1"));

        // The old certificate of the CA is renewed for the same key: what it issued verifies under both.
        string fifth = await GoOnAsync(stage, fourth, "renew-ca", "issuing-s1", "r");
        Certificate renewed = Made.Certificate(fifth, "issuing-s1-r");
        Assert.Equal(old.Tbs.SubjectPublicKeyInfo, renewed.Tbs.SubjectPublicKeyInfo);
        openssl.VerifiesLink(root, renewed);
        openssl.VerifiesLink(renewed, Made.Certificate(fifth, "leaf-issuing-s1"));
        RequireArl(fifth, "arl-root-s1-r", "4");

        // The root rolls over: who trusts the old one accepts the new one, and the other way round.
        string sixth = await GoOnAsync(stage, fifth, "rollover", "root-s1", "g2");
        Certificate newRoot = Made.Certificate(sixth, "root-s1-g2");
        (Certificate oldWithNew, Certificate newWithOld) = (Made.Certificate(sixth, "root-s1-with-g2"), Made.Certificate(sixth, "root-s1-g2-with-old"));
        Assert.Equal(root.Tbs.Subject, newRoot.Tbs.Subject);
        openssl.VerifiesUnder(newRoot, Der.Encode(newRoot));
        openssl.VerifiesLink(newRoot, oldWithNew);
        openssl.VerifiesLink(oldWithNew, old);
        openssl.VerifiesLink(root, newWithOld);
        openssl.RefusesLink(root, oldWithNew);
        RequireArl(sixth, "arl-root-s1-g2", "5");
        RequireArl(sixth, "arl-root-s1-g2-g2", "1", revoked: 0, of: newRoot);

        // Whoever goes on from an earlier ceremony than the last is refused: the root's counter says that there was another.
        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => GoOnAsync(stage, first, "renew-arl", "root-s1", "late"));
        Assert.Contains("the basis is not the latest ceremony", e.Message);

        void RequireArl(string output, string id, string number, int revoked = 1, Certificate? of = null)
        {
            byte[] bytes = Made.Crl(output, id);
            CertificateList arl = Der.Decode<CertificateList>(bytes);
            Assert.Equal(number, Made.Inventory(output).Crls.First(crl => crl.Id == id).Number);
            Assert.Equal(revoked, arl.Tbs.RevokedCertificates.Count);
            Assert.All(arl.Tbs.RevokedCertificates, entry => Assert.Equal(Made.Certificate(first, "ops-s1").Tbs.SerialNumber, entry.UserCertificate));
            openssl.VerifiesUnder(of ?? root, bytes);
            openssl.Run("crl", "-in", openssl.Write("arl", bytes), "-inform", "DER", "-noout", "-text").HasLines("X509v3 CRL Number:", number);
        }
    }

    [Fact]
    public async Task TheSystemRootRollsOver_AndVerbsRefuseWhatTheyAreNotFor()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(plan =>
        {
            CeremonyStage.Small(plan);
            JsonObject docs = CeremonyStage.ReadDocsPlan();
            plan["keys"]!.AsArray().Add(CeremonyStage.Entry(docs, "keys", "system").DeepClone());
            plan["certificates"]!.AsArray().Add(CeremonyStage.Entry(docs, "certificates", "system").DeepClone());
        });
        await stage.CompleteAsync();
        var basis = Basis.Load(stage.Output);

        Assert.Contains("is no root", Refusal("renew-arl", "issuing-s1"));
        Assert.Contains("is no root", Refusal("renew-arl", "system"));
        Assert.Contains("is no issuing CA", Refusal("renew-ca", "root-s1"));
        Assert.Contains("is no RSA root", Refusal("upgrade-root", "root-s1"));
        Assert.Contains("There is no CA nobody", Refusal("rollover", "nobody"));
        Assert.Contains("The suffix has", Assert.Throws<CeremonyException>(() => PlanDraft.Make("rollover", basis, "root-s1", "G 2", TimeProvider.System)).Message);
        string output = await GoOnAsync(stage, stage.Output, "rollover", "system", "p2");
        using var openssl = new OpenSsl();
        openssl.VerifiesUnder(Made.Certificate(output, "system-p2"), Der.Encode(Made.Certificate(output, "system-p2")));

        string Refusal(string verb, string authority) => Assert.Throws<CeremonyException>(() => PlanDraft.Make(verb, basis, authority, "x", TimeProvider.System)).Message;
    }

    /// <summary>The proof of the basis is in the output: no byte of it can be changed, and no entry that it has be lost.</summary>
    [Fact]
    public async Task WhatWasTakenOver_IsVerifiedToo()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.CompleteAsync();
        string output = await GoOnAsync(stage, stage.Output, "renew-arl", "root-s1", "a");
        foreach (string file in new CeremonyFolder(output).Files())
        {
            string path = Path.Combine(output, file);
            byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            byte[] changed = [.. bytes];
            changed[bytes.Length / 2] ^= 1;
            await File.WriteAllBytesAsync(path, changed, TestContext.Current.CancellationToken);
            Assert.True(CeremonyVerification.Check(output).Faults.Count > 0, file);
            await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        }

        // Even by the witnesses of the later one.
        stage.Forge(output, () => File.Delete(Path.Combine(output, "basis/signatures/公证员.sig")));
        Assert.Empty(CeremonyVerification.Check(output).Faults);
        stage.Forge(output, () => File.Delete(Path.Combine(output, "basis/signatures/审计代表.sig")));
        Assert.Contains(CeremonyVerification.Check(output).Faults, fault => fault.Contains("the transcript of the basis", StringComparison.Ordinal));
    }

    private static async Task<string> GoOnAsync(CeremonyStage stage, string from, string verb, string authority, string suffix, Action<JsonObject>? change = null)
    {
        var basis = Basis.Load(from);
        JsonObject plan = JsonNode.Parse(PlanFile.Serialize(PlanDraft.Make(verb, basis, authority, suffix, TimeProvider.System)))!.AsObject();
        change?.Invoke(plan);
        string path = Path.Combine(stage.Path, $"{verb}-{authority}-{suffix}.json");
        string output = Path.Combine(stage.Path, $"out-{verb}-{authority}-{suffix}");
        await File.WriteAllTextAsync(path, plan.ToJsonString(), new UTF8Encoding(false));

        // As the people in the room do: rehearsed first.
        using var scratch = new TemporaryFolder();
        await CeremonyRun.RehearseAsync(PlanFile.Read(path, basis.Inventory), basis, scratch.Path, TimeProvider.System, _ => { }, CancellationToken.None);
        await stage.CompleteAsync(output, basis, path);
        Assert.Empty(CeremonyVerification.Check(output).Faults);
        return output;
    }

    /// <summary>A certificate with a CRL distribution point by each CA.</summary>
    private static void AddLeaves(JsonObject plan, params string[] authorities)
    {
        foreach (string authority in authorities)
        {
            plan["keys"]!.AsArray().Add(JsonNode.Parse($$"""{"id": "leaf-{{authority}}", "device": "ca", "label": "leaf-{{authority}}", "kind": "sm2"}"""));
            plan["certificates"]!.AsArray().Add(JsonNode.Parse(
                $$"""
                {"id": "leaf-{{authority}}", "profile": "service-signer", "issuer": "{{authority}}", "days": 30, "file": "leaf/{{authority}}.pem", "key": "leaf-{{authority}}",
                 "subject": ["O=某省密码管理局", "CN={{authority}}"]}
                """));
        }
    }
}

/// <summary>From RSA to SM2, on top of the ceremony of the docs.</summary>
[Collection(nameof(DocsCeremony))]
public sealed class UpgradeTests(DocsCeremony docs)
{
    [Fact]
    public async Task UpgradingAnRsaRoot_BothTrustEachOther()
    {
        using var openssl = new OpenSsl();
        var basis = Basis.Load(docs.Output);
        string path = Path.Combine(docs.Stage.Path, "upgrade.json");
        string output = Path.Combine(docs.Stage.Path, "out-upgrade");
        await File.WriteAllTextAsync(path, PlanFile.Serialize(PlanDraft.Make("upgrade-root", basis, "root-r1", "s2", TimeProvider.System)), TestContext.Current.CancellationToken);

        await docs.Stage.CompleteAsync(output, basis, path);

        Assert.Empty(CeremonyVerification.Check(output).Faults);
        (Certificate rsa, Certificate sm2) = (Made.Certificate(output, "root-r1"), Made.Certificate(output, "root-s2"));
        openssl.VerifiesUnder(sm2, Der.Encode(sm2));
        openssl.VerifiesLink(sm2, Made.Certificate(output, "root-r1-by-s2"));
        openssl.VerifiesLink(Made.Certificate(output, "root-r1-by-s2"), Made.Certificate(output, "issuing-r1"));
        openssl.VerifiesLink(rsa, Made.Certificate(output, "root-s2-by-root-r1"));
        Assert.NotEqual(rsa.Tbs.Subject, sm2.Tbs.Subject);
    }
}
