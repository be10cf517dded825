using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Interop.Ceremony;

/// <summary>Plans that cannot be carried out are refused before anything is done, with a sentence that says what to do.</summary>
public sealed class BadPlanTests
{
    /// <summary>What is wrong, and part of what is said of it.</summary>
    public static TheoryData<string, string> Cases => [.. Changes.Select(each => (each.Key, each.Value.Says))];

    private static Dictionary<string, (Action<JsonObject> Change, string Says)> Changes { get; } = new()
    {
        ["no name"] = (plan => plan.Remove("name"), "missing required properties"),
        ["an empty name"] = (plan => plan["name"] = "", "Give the ceremony a name"),
        ["a name that moves the cursor"] = (plan => plan["name"] = "a\u001b[2J", "Give the ceremony a name"),
        ["an unknown field"] = (plan => plan["colour"] = "red", "colour"),
        ["a null in a list"] = (plan => plan["keys"]!.AsArray().Add(null), "a null in one of its lists"),
        ["a text for a number"] = (plan => plan["witnessThreshold"] = "two", "cannot be read"),
        ["a key id twice"] = (plan => Twice(plan, "keys", "root-s1", "label"), "The key root-s1 stands twice"),
        ["a label twice"] = (plan => Entry(plan, "keys", "issuing-s1")["label"] = "ops-s1", "the same label"),
        ["a certificate id twice"] = (plan => Twice(plan, "certificates", "root-s1", "file"), "The certificate root-s1 stands twice"),
        ["a file twice"] = (plan => Entry(plan, "certificates", "ops-s1")["file"] = "ca/ISSUING-s1.pem", "Two things go into the file"),
        ["a file and a folder"] = (plan => Entry(plan, "certificates", "ops-s1")["file"] = "trust", "is a file and a folder"),
        ["a path that leads outside"] = (plan => Entry(plan, "certificates", "ops-s1")["file"] = "../ops.pem", "has a relative path"),
        ["an absolute path"] = (plan => Entry(plan, "certificates", "ops-s1")["file"] = "/etc/ops.pem", "has a relative path"),
        ["a path among the ceremony's own"] = (plan => Entry(plan, "certificates", "ops-s1")["file"] = "signatures/x.sig", "has a relative path"),
        ["a link key outside"] = (plan => Entry(plan, "certificates", "link-ca")["linkKey"] = "ca/../../x", "has a relative path"),
        ["a hidden input"] = (plan => Entry(plan, "certificates", "officer-ca-super")["request"]!["file"] = "requests/..", "cannot be kept"),
        ["an input name twice"] = (plan => Entry(plan, "certificates", "officer-ca-super")["request"]!["file"] = "other/ca-audit.csr", "have the same name"),
        ["an id with a slash"] = (plan => Entry(plan, "certificates", "kmc-log")["id"] = "a/b", "lower-case letters, digits and hyphens"),
        ["an unknown profile"] = (plan => Entry(plan, "certificates", "ops-s1")["profile"] = "sub-caa", "there is no profile sub-caa; known are"),
        ["an unknown kind of key"] = (plan => Entry(plan, "keys", "ops-s1")["kind"] = "dsa", "cannot be read"),
        ["a key too short"] = (plan => Entry(plan, "keys", "issuing-r1")["kind"] = "rsa2048", "2048 bits are too few"),
        ["a symmetric key certified"] = (plan => Entry(plan, "certificates", "ca-log")["key"] = "ca-data-kek", "which has no certificate"),
        ["a CA's key for something else"] = (plan => Entry(plan, "certificates", "ca-log")["key"] = "ops-s1", "serves a CA and something else"),
        ["a key that is not there"] = (plan => Entry(plan, "certificates", "ca-log")["key"] = "ca-lag", "there is no key ca-lag"),
        ["a key in no device"] = (plan => Entry(plan, "keys", "ca-log")["device"] = "hsm", "there is no device hsm"),
        ["two sources of the key"] = (plan => Entry(plan, "certificates", "ca-log")["linkKey"] = "ca/x.key", "exactly one of"),
        ["no source of the key"] = (plan => Entry(plan, "certificates", "ca-log").Remove("key"), "exactly one of"),
        ["valid as long as its issuer"] = (plan => (Entry(plan, "certificates", "issuing-s1")["days"], Entry(plan, "certificates", "root-s1")["days"]) = (5000, 5000), "are not fewer than the 5000 of its issuer"),
        ["valid for longer than the profile"] = (plan => Entry(plan, "certificates", "link-ca")["days"] = 91, "allows 1 to 90 days"),
        ["valid for no day"] = (plan => Entry(plan, "certificates", "link-ca")["days"] = 0, "allows 1 to 90 days"),
        ["issued before its issuer"] = (plan => MoveFirst(plan, "issuing-s1"), "there is no CA root-s1 before it"),
        ["issued by no CA"] = (plan => Entry(plan, "certificates", "kmc-log")["issuer"] = "ca-log", "there is no CA ca-log before it"),
        ["a CRL of no CA"] = (plan => Entry(plan, "crls", "crl-ops-s1")["issuer"] = "ca-log", "there is no CA ca-log"),
        ["two CRLs of one kind"] = (plan => Entry(plan, "crls", "crl-ops-s1")["issuer"] = "issuing-s1", "two CRLs of one kind"),
        ["a CRL for years"] = (plan => Entry(plan, "crls", "crl-ops-s1")["days"] = 4000, "serves 1 to 397 days"),
        ["revoked before it was made"] = (plan => Entry(plan, "crls", "crl-ops-s1")["revoke"] = JsonNode.Parse("""[{"certificate":"ca-log","reason":"keyCompromise"}]"""), "no earlier certificate ca-log"),
        ["a fingerprint that is none"] = (plan => Entry(plan, "certificates", "officer-ca-super")["request"]!["fingerprint"] = "abc", "the fingerprint is SM3 of the key"),
        ["one key brought twice"] = (plan => Entry(plan, "certificates", "officer-ca-super")["request"]!["fingerprint"] = (string)Entry(plan, "certificates", "officer-ca-audit")["request"]!["fingerprint"]!, "for the same brought key"),
        ["one person in two offices"] = (plan => Entry(plan, "certificates", "officer-ca-super")["officer"]!["person"] = "bao-zheng", "a person of his own"),
        ["both offices with one certificate"] = (plan => Entry(plan, "services", "ca")["audit"] = "officer-ca-super", "is not the certificate of a 审计管理员"),
        ["an office of a lower level"] = (plan => Entry(plan, "certificates", "officer-ca-super")["officer"]!["role"] = "业务操作员", "not 业务操作员"),
        ["a region that is none"] = (plan => Entry(plan, "certificates", "officer-ca-super")["officer"]!["region"] = "12", "GB/T 2260"),
        ["an officer without the file of persons"] = (plan => plan.Remove("persons"), "needs the file of persons"),
        ["no registry"] = (plan => Entry(plan, "services", "ca")["isRegistry"] = false, "is the registry of persons"),
        ["an index key of another kind"] = (plan => Entry(plan, "services", "ca")["indexKey"] = "ca-data-kek", "of kind hmacSm3"),
        ["a connection string in the plan"] = (plan => Entry(plan, "services", "ca")["connectionVariable"] = "Host=db;Password=x", "name of an environment variable"),
        ["a demonstration with an arc"] = (plan => plan["policyArc"] = "1.2.156.1", "no policyArc of its own"),
        ["no demonstration, with a demonstration's arc"] = (plan => { MakeReal(plan); plan["policyArc"] = Asn1.Oids.DemoPolicyArc; }, "that of demonstrations"),
        ["no demonstration, with demo names"] = (plan => (plan["demo"], plan["policyArc"]) = (false, "1.2.156.1"), "only a demonstration has names"),
        ["a demonstration without its mark"] = (plan => Entry(plan, "certificates", "root-s1")["subject"] = new JsonArray("O=某局", "CN=根"), "contains 演示 DEMO"),
        ["an attribute without a type"] = (plan => Entry(plan, "certificates", "ca-log")["subject"] = new JsonArray("某局"), "is not TYPE=text"),
        ["a name of no kind"] = (plan => Entry(plan, "certificates", "link-ca")["names"] = new JsonArray("mail:a@b.cn"), "neither dns:NAME nor ip:ADDRESS"),
        ["one witness"] = (plan => plan["witnessThreshold"] = 1, "At least two witnesses"),
        ["more witnesses than there are"] = (plan => plan["witnessThreshold"] = 4, "not more than there are"),
        ["a witness with two names"] = (plan => plan["witnesses"]![1]!["publicKey"] = (string)plan["witnesses"]![0]!["publicKey"]!, "A witness stands twice"),
        ["a witness in capitals"] = (plan => plan["witnesses"]![1]!["publicKey"] = ((string)plan["witnesses"]![0]!["publicKey"]!).ToUpperInvariant(), "lower-case hexadecimal"),
        ["a witness off the curve"] = (plan => plan["witnesses"]![0]!["publicKey"] = "04" + new string('0', 128), "the public key is SM2"),
        ["a witness that is a path"] = (plan => plan["witnesses"]![0]!["name"] = "../x", "no slash"),
        ["a witness who turns the direction of writing"] = (plan => plan["witnesses"]![0]!["name"] = "公\u202e证", "visible characters"),
        ["one partition under two ids"] = (plan => plan["devices"]![1]!["serial"] = (string)plan["devices"]![0]!["serial"]!, "the same partition"),
        ["a serial that is none"] = (plan => plan["devices"]![1]!["serial"] = "12", "32 lower-case hexadecimal digits"),
        ["an endpoint without a port"] = (plan => plan["devices"]![1]!["endpoint"] = "127.0.0.1", "HOST:PORT"),
        ["an endpoint with too high a port"] = (plan => plan["devices"]![1]!["endpoint"] = "hsm:99999", "HOST:PORT"),
        ["a policy without a console"] = (plan => plan["devices"]![2]!.AsObject().Remove("console"), "has no console"),
        ["a policy with the partition's own key"] = (plan => plan["policies"]![0]!["caKeys"] = new JsonArray("kmc-message"), "SM2 keys in another device"),
        ["a policy with a CA of officers as CA"] = (plan => plan["policies"]![0]!["caKeys"] = new JsonArray("ops-s1"), "with other keys than caKeys"),
        ["a basis where there is none"] = (plan => plan["basis"] = new string('0', 64), "needs --basis"),
        ["a base URL with a slash"] = (plan => plan["baseUrl"] = "http://pki.example.cn/", "baseUrl or policyArc"),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void IsRefused(string what, string says)
    {
        using var folder = new TemporaryFolder();
        JsonObject plan = Paper();
        Changes[what].Change(plan);
        File.WriteAllText(folder.File("plan.json"), plan.ToJsonString());

        CeremonyException e = Assert.Throws<CeremonyException>(() => PlanFile.Read(folder.File("plan.json"), null));

        Assert.Contains(says, e.Message);
    }

    [Fact]
    public void WithoutAChange_ItIsTaken()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("plan.json"), Paper().ToJsonString());

        Assert.NotNull(PlanFile.Read(folder.File("plan.json"), null));
    }

    [Theory]
    [InlineData("", "cannot be read")]
    [InlineData("null", "The plan is empty")]
    [InlineData("{\"name\": \"a\", \"name\": \"b\"}", "cannot be read")]
    [InlineData("name: a", "cannot be read")]
    public void WhatIsNoPlan_IsRefused(string text, string says) =>
        Assert.Contains(says, Assert.Throws<CeremonyException>(() => PlanFile.Deserialize(System.Text.Encoding.UTF8.GetBytes(text))).Message);

    [Fact]
    public void APlanThatIsNotThere_OrTooLong_IsRefused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("long.json"), new string(' ', (1 << 20) + 1));

        Assert.Contains("cannot be read", Assert.Throws<CeremonyException>(() => PlanFile.Read(folder.File("none.json"), null)).Message);
        Assert.Contains("more than", Assert.Throws<CeremonyException>(() => PlanFile.Read(folder.File("long.json"), null)).Message);
    }

    /// <summary>A profile is part of what was reviewed.</summary>
    [Fact]
    public void AnotherProfileThanTheReviewed_IsRefused()
    {
        using var folder = new TemporaryFolder();
        JsonObject plan = Paper();
        File.WriteAllText(folder.File("mine.json"), ProfileCatalogue.Shipped["service-signer"].CanonicalJson.Replace("service-signer", "mine", StringComparison.Ordinal));
        plan["profiles"] = JsonNode.Parse($$"""[{"file": "mine.json", "sm3": "{{new string('0', 64)}}"}]""");
        File.WriteAllText(folder.File("plan.json"), plan.ToJsonString());
        string message = Assert.Throws<CeremonyException>(() => PlanFile.Read(folder.File("plan.json"), null)).Message;
        Assert.Contains("the plan was reviewed with", message);

        string hash = message.Split(" is ")[1][..64];
        plan["profiles"]![0]!["sm3"] = hash;
        File.WriteAllText(folder.File("plan.json"), plan.ToJsonString());
        Assert.Contains("mine", PlanFile.Read(folder.File("plan.json"), null).Profiles.Keys);
    }

    /// <summary>The plan of the docs with keys of witnesses and devices that nobody has.</summary>
    internal static JsonObject Paper()
    {
        JsonObject plan = CeremonyStage.ReadDocsPlan();
        foreach (JsonNode? witness in plan["witnesses"]!.AsArray())
        {
            using var key = Sm2PrivateKey.Generate();
            witness!["publicKey"] = Convert.ToHexStringLower(key.PublicKey.ToBytes());
        }

        int number = 0;
        foreach (JsonNode? device in plan["devices"]!.AsArray())
        {
            device!["serial"] = $"{++number:x32}";
        }

        foreach (JsonNode? certificate in plan["certificates"]!.AsArray().Where(certificate => certificate!["request"] is not null))
        {
            certificate!["request"]!["fingerprint"] = $"{++number:x64}";
        }

        return plan;
    }

    /// <summary>No demonstration's.</summary>
    internal static void MakeReal(JsonObject plan)
    {
        plan["demo"] = false;
        plan["policyArc"] = "1.2.156.197.1";
        foreach (JsonNode? certificate in plan["certificates"]!.AsArray().Where(certificate => certificate!["subject"] is not null))
        {
            certificate!["subject"] = new JsonArray([.. certificate["subject"]!.AsArray().Select(text => JsonValue.Create(((string)text!).Replace(" 演示 DEMO", "", StringComparison.Ordinal)))]);
        }
    }

    private static JsonObject Entry(JsonObject plan, string list, string id) => CeremonyStage.Entry(plan, list, id);

    private static void Twice(JsonObject plan, string list, string id, string other)
    {
        JsonObject copy = Entry(plan, list, id).DeepClone().AsObject();
        copy[other] = "another";
        plan[list]!.AsArray().Add(copy);
    }

    private static void MoveFirst(JsonObject plan, string id)
    {
        JsonArray certificates = plan["certificates"]!.AsArray();
        JsonObject moved = Entry(plan, "certificates", id);
        certificates.Remove(moved);
        certificates.Insert(0, moved);
    }
}
