using System.Text.Json.Nodes;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Profiles;

public sealed class ProfileCatalogueTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Shipped_HasWhatTheDocumentNames()
    {
        string[] names =
        [
            "cross", "device-encryption", "device-encryption-2023", "device-signing", "device-signing-2023", "link", "ocsp-node", "ocsp-responder", "officer", "officer-link",
            "organization-encryption", "organization-encryption-2023", "organization-signing", "organization-signing-2023", "person-encryption", "person-encryption-2023",
            "person-signing", "person-signing-2023", "ra-system", "root", "service-signer", "sub-ca", "system-root", "tls-server", "tsa",
        ];
        Assert.Equal(names, ProfileCatalogue.Shipped.All.Select(profile => profile.Name));
    }

    [Fact]
    public void AProfile_IsFoundByItsNameAndHash()
    {
        Profile link = ProfileCatalogue.Shipped["link"];
        Assert.Same(link, ProfileCatalogue.Shipped.Find("link"));
        Assert.Same(link, ProfileCatalogue.Shipped.Find("link", link.Hash.Span));
        Assert.Null(ProfileCatalogue.Shipped.Find("link", ProfileCatalogue.Shipped["root"].Hash.Span));
        Assert.Null(ProfileCatalogue.Shipped.Find("Link"));
        Assert.Throws<ProfileException>(() => ProfileCatalogue.Shipped["none"]);
    }

    [Fact]
    public void ADeploymentsOwn_StandBesideTheShipped()
    {
        Write("provincial-link.json", "provincial-link");

        var catalogue = ProfileCatalogue.Load(_folder.Path);

        Assert.Equal(90, catalogue["provincial-link"].Options.Validity.MaximumDays);
        Assert.Equal(ProfileCatalogue.Shipped.All.Count + 1, catalogue.All.Count);
        Assert.Null(ProfileCatalogue.Shipped.Find("provincial-link"));
    }

    [Theory]
    [InlineData("link.json", "link", "is shipped")]
    [InlineData("a.json", "b", "the profile's name is \"b\"")]
    [InlineData("a.json", "A", "A profile's name")]
    public void AFileThatIsNotWhatItsNameSays_IsNamed(string file, string name, string says)
    {
        Write(file, name);

        ProfileException refusal = Assert.Throws<ProfileException>(() => ProfileCatalogue.Load(_folder.Path));

        Assert.Contains(_folder.File(file), refusal.Message, StringComparison.Ordinal);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALargeFile_IsNotRead()
    {
        File.WriteAllBytes(_folder.File("a.json"), new byte[Profile.MaxLength + 1]);
        Assert.Contains("a.json", Assert.Throws<ProfileException>(() => ProfileCatalogue.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string file, string name)
    {
        JsonNode json = JsonNode.Parse(ProfileCatalogue.Shipped["link"].CanonicalJson)!;
        json["name"] = name;
        File.WriteAllText(_folder.File(file), json.ToJsonString());
    }
}
