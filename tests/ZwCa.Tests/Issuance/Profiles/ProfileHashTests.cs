using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Profiles;

/// <summary>A profile is its name and the SM3 of one form of its content.</summary>
public class ProfileHashTests
{
    private const string Small = """
        {"keys":[{"algorithm":"sm2"}],"keyUsage":{"usages":["digitalSignature"]},"title":"签名","validity":{"maximumDays":9},
         "subject":[{"unique":true,"type":"CN"}],"name":"small","edition":"2012"}
        """;

    [Fact]
    public void TheCanonicalForm_HasAllDefaultsInTheOrderOfTheirNames() => Assert.Equal(
        """
        {"caIssuers":[],"crlDistributionPoints":[],"crlShards":1,"edition":"2012","emptyIdAllowed":false,"half":"none","identities":[],"keyUsage":{"critical":true,
        "usages":["digitalSignature"]},"keys":[{"algorithm":"sm2"}],"kind":"endEntity","name":"small","ocsp":[],"ocspNoCheck":false,"officerIdentity":false,"policies":[],
        "subject":[{"maximum":1,"minimum":1,"source":"request","type":"CN","unique":true}],"title":"签名","validity":{"backdateSeconds":600,"maximumDays":9}}
        """.ReplaceLineEndings(""),
        Parse(Small).CanonicalJson);

    [Fact]
    public void TheHash_IsSm3OfIt() => Assert.Equal(Sm3.HashData(Encoding.UTF8.GetBytes(Parse(Small).CanonicalJson)), Parse(Small).Hash.ToArray());

    [Fact]
    public void OrderCommentsWhiteSpaceAndWrittenDefaults_ChangeNothing() => Assert.Equal(
        Parse(Small).CanonicalJson,
        Parse("""
            // A comment.
            { "name": "small", "title": "\u7b7e\u540d", "edition": "2012", "kind": "endEntity", "half": "none",
              "subject": [{ "type": "CN", "unique": true, "minimum": 1, },],
              "keys": [{ "algorithm": "sm2" }], "validity": { "maximumDays": 9, "backdateSeconds": 600 },
              "keyUsage": { "critical": true, "usages": ["digitalSignature"] }, "crlShards": 1 }
            """).CanonicalJson);

    [Fact]
    public void WhatIsReadAgain_IsTheSameProfile()
    {
        foreach (Profile profile in ProfileCatalogue.Shipped.All)
        {
            Assert.Equal(profile.CanonicalJson, Parse(profile.CanonicalJson).CanonicalJson);
        }
    }

    [Fact]
    public void EveryCharacter_IsWrittenAsRfc8785Has()
    {
        JsonNode json = JsonNode.Parse(Small)!;
        json["title"] = "\"\\/\b\t\n\f\r\u0000\u001f\u007f<>&'+é\u2028𠀀😀";

        Assert.Contains("\"title\":\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001f\u007f<>&'+é\u2028𠀀😀\"", Parse(json.ToJsonString()).CanonicalJson, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("title", "\"签 名\"")]
    [InlineData("edition", "\"2023\"")]
    [InlineData("half", "\"signing\"")]
    [InlineData("keys", """[{"algorithm":"p256"}]""")]
    [InlineData("validity", """{"maximumDays":10}""")]
    [InlineData("validity", """{"maximumDays":9,"backdateSeconds":0}""")]
    [InlineData("keyUsage", """{"usages":["digitalSignature"],"critical":false}""")]
    [InlineData("extendedKeyUsage", """{"purposes":["clientAuth"]}""")]
    [InlineData("policies", """["{policyArc}.1"]""")]
    [InlineData("crlDistributionPoints", """["{base}/{ski}"]""")]
    [InlineData("caIssuers", """["{base}/{ski}"]""")]
    [InlineData("ocsp", """["{base}/ocsp"]""")]
    [InlineData("subjectAltName", """{"kinds":["dns"]}""")]
    [InlineData("identities", """[{"name":"a","oid":"1.2.3"}]""")]
    [InlineData("basicConstraints", """{"authority":false,"critical":false}""")]
    [InlineData("officerIdentity", "true")]
    [InlineData("emptyIdAllowed", "true")]
    [InlineData("subject", """[{"type":"CN","unique":true,"maxLength":64}]""")]
    public void AChangeOfAnything_MakesAnotherProfile(string field, string value)
    {
        JsonNode json = JsonNode.Parse(Small)!;
        json[field] = JsonNode.Parse(value);

        Assert.NotEqual(Parse(Small).Hash.ToArray(), Parse(json.ToJsonString()).Hash.ToArray());
    }

    private static Profile Parse(string json) => Profile.Parse(Encoding.UTF8.GetBytes(json));
}
