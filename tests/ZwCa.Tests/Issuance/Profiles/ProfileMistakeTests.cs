using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Asn1;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Profiles;

/// <summary>What is wrong with a profile is told when it is read, not to the first applicant.</summary>
public class ProfileMistakeTests
{
    /// <summary>Where in a profile that is good, what stands there instead (nothing: it is left out), and what the refusal says.</summary>
    public static TheoryData<string, string, string?, string> Mistakes => new()
    {
        { "person-signing", "name", "\"\"", "name has 1 to 64" },
        { "person-signing", "name", "\"Person\"", "name has 1 to 64" },
        { "person-signing", "name", "\"a/../b\"", "name has 1 to 64" },
        { "person-signing", "name", null, "name" },
        { "person-signing", "title", "\"\"", "title of 1 to 64" },
        { "person-signing", "edition", "\"2020\"", "2012 or 2023" },
        { "person-signing", "colour", "\"red\"", "colour" },
        { "person-signing", "Name", "\"twice\"", "Name" },
        { "person-signing", "kind", "\"none\"", "kind" },
        { "person-signing", "kind", "1", "kind" },
        { "person-signing", "keys", "[]", "key of some kind" },
        { "person-signing", "keys", "[null]", "no null" },
        { "person-signing", "keys", "null", "keys" },
        { "person-signing", "keys.1.algorithm", "\"sm2\"", "kind of key occurs twice" },
        { "person-signing", "keys.0.minimumBits", "256", "Only RSA" },
        { "person-signing", "keys.1.minimumBits", "1024", "2048 to 8192" },
        { "person-signing", "keys.1.maximumBits", "16384", "2048 to 8192" },
        { "person-signing", "keys.1.minimumBits", "4097", "not above the maximum" },
        { "person-signing", "validity.maximumDays", "0", "1 day to 50 years" },
        { "person-signing", "validity.maximumDays", "18263", "1 day to 50 years" },
        { "person-signing", "validity.maximumDays", "1.5", "validity" },
        { "person-signing", "validity.backdateSeconds", "-1", "an hour" },
        { "person-signing", "validity.backdateSeconds", "3601", "an hour" },
        { "person-signing", "crlShards", "0", "1 to 4096" },
        { "person-signing", "crlShards", "4097", "1 to 4096" },
        { "person-signing", "subject", "[]", "subject attributes" },
        { "person-signing", "subject.0", "null", "no null" },
        { "person-signing", "subject.0.type", "\"country\"", "no attribute type" },
        { "person-signing", "subject.0.text", null, "fixed attribute has a text" },
        { "person-signing", "subject.0.text", "\"CHN\"", "characters" },
        { "person-signing", "subject.0.minimum", "0", "no other rules" },
        { "person-signing", "subject.1.text", "\"江苏省\"", "fixed attribute has a text" },
        { "person-signing", "subject.1.minimum", "2", "do not fit" },
        { "person-signing", "subject.1.minimum", "-1", "do not fit" },
        { "person-signing", "subject.1.maximum", "17", "do not fit" },
        { "person-signing", "subject.1.maxLength", "0", "length is positive" },
        { "person-signing", "subject.1.pattern", "\"[\"", "linear time" },
        { "person-signing", "subject.1.pattern", "\"a)|(b\"", "linear time" },
        { "person-signing", "subject.1.pattern", "\"(a)\\\\1\"", "linear time" },
        { "person-signing", "subject.6.unique", "false", "Exactly one attribute" },
        { "person-signing", "subject.5.unique", "true", "Exactly one attribute" },
        { "person-signing", "subject.6.minimum", "0", "makes the DN unique is there once" },
        { "person-signing", "subject.4.type", "\"O\"", "occurs twice" },
        { "person-signing", "keyUsage.usages", "[]", "KeyUsage" },
        { "person-signing", "keyUsage.usages", "[\"sign\"]", "keyUsage" },
        { "person-signing", "keyUsage.usages", "[\"digitalSignature, nonRepudiation\"]", "stands by itself" },
        { "person-signing", "keyUsage.usages", "[\"digitalSignature\", \"digitalSignature\"]", "stands by itself" },
        { "person-signing", "keyUsage.usages", "[\"digitalSignature\", \"keyCertSign\"]", "keyCertSign" },
        { "person-signing", "keyUsage.usages", "[\"digitalSignature\", \"keyEncipherment\"]", "does not encrypt" },
        { "person-signing", "keyUsage.critical", "false", "critical in the dual" },
        { "person-encryption", "keyUsage.usages", "[\"digitalSignature\"]", "does not sign" },
        { "person-encryption", "keyUsage.usages", "[\"keyEncipherment\", \"nonRepudiation\"]", "does not sign" },
        { "person-signing", "extendedKeyUsage.purposes", "[]", "names a purpose" },
        { "person-signing", "extendedKeyUsage.purposes", "[\"clientAuth\", \"clientAuth\"]", "purpose occurs twice" },
        { "person-signing", "extendedKeyUsage.purposes", "[\"signing\"]", "no key purpose" },
        { "person-signing", "extendedKeyUsage.purposes", "[null]", "no null" },
        { "person-signing", "basicConstraints", "{ \"authority\": true, \"critical\": true }", "nobody else" },
        { "person-signing", "basicConstraints", "{ \"authority\": false, \"critical\": true }", "nobody else" },
        { "person-signing", "basicConstraints", "{ \"authority\": false, \"critical\": false, \"pathLength\": 0 }", "others have none" },
        { "person-signing", "policies", "[\"{policyArc}\", \"{policyArc}\"]", "policy occurs twice" },
        { "person-signing", "policies", "[\"CN\"]", "policy is a dotted OID" },
        { "person-signing", "policies", "[\"1.2.{policyArc}\"]", "policy is a dotted OID" },
        { "person-signing", "policies", "[\"{policyArc}.x\"]", "policy is a dotted OID" },
        { "person-signing", "crlDistributionPoints", "[\"{base}/crl/{shard}.crl\"]", "contain {ski}" },
        { "person-signing", "crlDistributionPoints", "[\"{base}/crl/{ski}.crl\"]", "contain {shard}" },
        { "person-signing", "crlDistributionPoints", "[]", "Shards need a CRL URL" },
        { "person-signing", "crlDistributionPoints", "[\"{base}/{ski}/{shard}/{serial}\"]", "only {base}, {ski} and {shard}" },
        { "person-signing", "caIssuers", "[\"{base}/ca.cer\"]", "contain {ski}" },
        { "person-signing", "caIssuers", "[\"https://example.cn/{ski}.cer\"]", "not an absolute http or ldap URL" },
        { "person-signing", "ocsp", "[\"/ocsp\"]", "not an absolute http or ldap URL" },
        { "person-signing", "ocsp", "[\"{base}/状态\"]", "not ASCII" },
        { "person-signing", "subjectAltName.kinds", "[]", "names its kinds" },
        { "person-signing", "subjectAltName.kinds", "[\"email\", \"email\"]", "names its kinds" },
        { "person-signing", "subjectAltName.minimum", "3", "names its kinds" },
        { "person-signing", "subjectAltName.maximum", "0", "names its kinds" },
        { "person-signing", "identities.0.oid", "\"residentId\"", "dotted OID" },
        { "person-signing", "identities.0.name", "\"\"", "1 to 64" },
        { "person-signing", "identities.1.name", "\"residentId\"", "identity number occurs twice" },
        { "person-signing", "identities.0.required", "true", "is not required" },
        { "person-signing", "identities.0.oid", "\"2.5.29.19\"", "OID of its own" },
        { "person-signing", "identities.0.oid", $"\"{Oids.OfficerIdentity}\"", "OID of its own" },
        { "person-signing", "ocspNoCheck", "true", "ocsp-nocheck" },
        { "ocsp-node", "ocspNoCheck", "false", "ocsp-nocheck" },
        { "person-signing", "extendedKeyUsage.purposes", "[\"2.5.29.37.0\"]", "anyExtendedKeyUsage" },
        { "tls-server", "keyUsage.usages", "[\"digitalSignature\", \"crlSign\"]", "crlSign is for authorities" },
        { "tsa", "extendedKeyUsage.critical", "false", "timeStamping" },
        { "tsa", "extendedKeyUsage.purposes", "[\"timeStamping\", \"clientAuth\"]", "timeStamping" },
        { "sub-ca", "basicConstraints", null, "An authority has critical" },
        { "sub-ca", "basicConstraints.critical", "false", "An authority has critical" },
        { "sub-ca", "basicConstraints.authority", "false", "An authority has critical" },
        { "sub-ca", "basicConstraints.pathLength", "-1", "path length is 0 to 16" },
        { "sub-ca", "keyUsage.usages", "[\"crlSign\"]", "keyCertSign" },
        { "sub-ca", "half", "\"signing\"", "signs and does not encrypt" },
        { "sub-ca", "crlDistributionPoints", "[\"{base}/crl.crl\"]", "contain {ski}" },
        { "root", "ocsp", "[\"{base}/ocsp\"]", "root has no URLs" },
        { "cross", "subject", "[{ \"type\": \"CN\", \"unique\": true }]", "cross-certificates none" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void AMistake_IsToldToWhoeverWroteIt(string profile, string where, string? instead, string says)
    {
        JsonNode json = JsonNode.Parse(ProfileCatalogue.Shipped[profile].CanonicalJson)!;
        Set(json, where.Split('.'), instead is null ? null : JsonNode.Parse(instead), remove: instead is null);

        ProfileException refusal = Assert.Throws<ProfileException>(() => Profile.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));

        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{ \"name\": \"a\", \"name\": \"b\" }")]
    [InlineData("{ \"name\": \"\\ud800\" }")]
    [InlineData("{ \"a\": { \"a\": { \"a\": { \"a\": { \"a\": { \"a\": { \"a\": { \"a\": { \"a\": {} } } } } } } } } }")]
    public void WhatIsNoProfile_IsRefused(string json) => Assert.Throws<ProfileException>(() => Profile.Parse(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void ALongText_IsNotRead() => Assert.Contains(
        "at most 65536", Assert.Throws<ProfileException>(() => Profile.Parse(new byte[Profile.MaxLength + 1])).Message, StringComparison.Ordinal);

    [Fact]
    public void APairOfAuthorities_IsNone()
    {
        JsonNode json = JsonNode.Parse(ProfileCatalogue.Shipped["sub-ca"].CanonicalJson)!;
        json["half"] = "signing";
        json["keyUsage"]!["usages"] = new JsonArray("keyCertSign", "digitalSignature");

        Assert.Contains(
            "Pairs are of end entities", Assert.Throws<ProfileException>(() => Profile.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()))).Message, StringComparison.Ordinal);
    }

    private static void Set(JsonNode json, ReadOnlySpan<string> path, JsonNode? value, bool remove)
    {
        if (path.Length > 1)
        {
            Set(json is JsonArray array ? array[int.Parse(path[0], CultureInfo.InvariantCulture)]! : json[path[0]]!, path[1..], value, remove);
        }
        else if (json is JsonArray elements)
        {
            elements[int.Parse(path[0], CultureInfo.InvariantCulture)] = value;
        }
        else if (remove)
        {
            Assert.True(json.AsObject().Remove(path[0]));
        }
        else
        {
            json[path[0]] = value;
        }
    }
}
