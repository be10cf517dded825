using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Interop.Ceremony;

/// <summary>What only shows when all is tried: requests that people bring, persons, names. No device is asked.</summary>
public sealed class RehearsalTests
{
    private const string Officer = "officer-ca-super";

    [Fact]
    public async Task OfAGoodPlan_MakesEveryCertificate()
    {
        using var room = new Room();

        IReadOnlyDictionary<string, Certificate> certificates = await room.RehearseAsync();

        Assert.Equal(room.Plan["certificates"]!.AsArray().Count, certificates.Count);
    }

    /// <summary>The records of a rehearsal lie on a disk: their data keys do not.</summary>
    [Fact]
    public async Task DataKeys_AreNotWrittenDown()
    {
        await using var device = new RehearsalHsm("ca", "serial", []);
        HsmKey kek = await device.GenerateKeyAsync(new KeyLabel("kek"), HsmKeyKind.DataKek, TestContext.Current.CancellationToken);
        byte[] dataKey = RandomNumberGenerator.GetBytes(16);

        byte[] wrapped = await device.WrapKeyAsync(kek, dataKey, default, TestContext.Current.CancellationToken);

        Assert.NotEqual(dataKey, wrapped);
        Assert.Equal(dataKey, await device.UnwrapKeyAsync(kek, wrapped, default, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AConnectionStringThatIsNone_IsRefusedAndNotQuoted()
    {
        await using var device = new RehearsalHsm("ca", "serial", []);
        HsmKey key = await device.GenerateKeyAsync(new KeyLabel("index"), HsmKeyKind.HmacSm3, TestContext.Current.CancellationToken);
        var options = new DatabaseOptions { Kind = DatabaseKind.SqlServer, ConnectionString = "Server=db;Password=half;of-a-secret=x" };

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => ServiceRecords.OpenAsync(options, device, key, key, TimeProvider.System, TestContext.Current.CancellationToken));

        Assert.DoesNotContain("secret", e.ToString());
        Assert.Contains("connectionVariable", e.Message);
    }

    /// <summary>A request contributes its key: whatever else stands in it is never looked at.</summary>
    [Theory]
    [InlineData(UniversalTagNumber.UTF8String, "张三\u202egnp.exe")]
    [InlineData(UniversalTagNumber.UTF8String, "a\0b")]
    [InlineData(UniversalTagNumber.BMPString, "张三")]
    [InlineData(UniversalTagNumber.IA5String, "admin")]
    [InlineData(UniversalTagNumber.T61String, "admin")]
    public async Task ARequestWithAHostileName_GetsTheNameOfThePlan(UniversalTagNumber type, string name)
    {
        using var room = new Room();
        room.Bring(Officer, NameOf(type, name));

        Certificate certificate = (await room.RehearseAsync())[Officer];

        Assert.Equal(["魏征"], certificate.Tbs.Subject.Texts(Oids.CommonName));
    }

    [Fact]
    public async Task ARequestWithALongName_GetsTheNameOfThePlan_OrIsTooLong()
    {
        using var room = new Room();
        room.Bring(Officer, NameOf(UniversalTagNumber.UTF8String, new string('a', 10_000)));
        Assert.Equal(["魏征"], (await room.RehearseAsync())[Officer].Tbs.Subject.Texts(Oids.CommonName));

        room.Bring(Officer, NameOf(UniversalTagNumber.UTF8String, new string('张', 10_000)));
        Assert.Contains("more than", (await Assert.ThrowsAsync<CeremonyException>(room.RehearseAsync)).Message);
    }

    [Fact]
    public async Task ARequestForAnotherKey_IsRefused()
    {
        using var room = new Room();
        room.Bring(Officer, NameOf(UniversalTagNumber.UTF8String, "x"), fingerprint: false);

        Assert.Contains("somebody else's, or was exchanged", (await Assert.ThrowsAsync<CeremonyException>(room.RehearseAsync)).Message);
    }

    [Fact]
    public async Task ARequestWithoutProof_IsRefused()
    {
        using var room = new Room();
        byte[] csr = room.Bring(Officer, NameOf(UniversalTagNumber.UTF8String, "x"));
        csr[^1] ^= 1;
        room.Write("requests/ca-super.csr", csr);

        RefusalException e = await Assert.ThrowsAsync<RefusalException>(room.RehearseAsync);

        Assert.Equal(Refusal.BadCsr, e.Kind);
    }

    [Fact]
    public async Task AWeakKey_IsRefused()
    {
        using var room = new Room();
        using var rsa = RSA.Create(1024);
        byte[] csr = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        room.Write("requests/ca-super.csr", csr);
        CeremonyStage.Entry(room.Plan, "certificates", Officer)["request"]!["fingerprint"] = Convert.ToHexStringLower(Sm3.HashData(rsa.ExportSubjectPublicKeyInfo()));

        RefusalException e = await Assert.ThrowsAsync<RefusalException>(room.RehearseAsync);

        Assert.Equal(Refusal.BadPublicKey, e.Kind);
    }

    [Theory]
    [InlineData("CN=魏\u202e征", Refusal.SubjectNotAllowed)]
    [InlineData("CN=魏\0征", Refusal.SubjectNotAllowed)]
    [InlineData("L=北京", Refusal.SubjectNotAllowed)]
    public async Task ANameOfThePlanThatNoCertificateMayHave_IsRefused(string attribute, Refusal kind)
    {
        using var room = new Room();
        CeremonyStage.Entry(room.Plan, "certificates", Officer)["subject"] = new JsonArray("O=某省密码管理局", attribute);

        Assert.Equal(kind, (await Assert.ThrowsAsync<RefusalException>(room.RehearseAsync)).Kind);
    }

    [Theory]
    [InlineData("{", "is not a JSON object of persons")]
    [InlineData("""{"wei-zheng": null}""", "is not a JSON object of persons")]
    [InlineData("""{"wei-zheng": {"name": "魏征"}}""", "is not a JSON object of persons")]
    [InlineData("""{"wei-zheng": {"name": "魏征", "idNumber": "110101197001010017"}}""", "the name or the ID number of wei-zheng")]
    [InlineData("""{"wei-zheng": {"name": "魏征", "idNumber": "110101197001010016"}}""", "The file of persons has no bao-zheng")]
    public async Task AFileOfPersonsThatIsNone_IsRefused_WithoutItsNumbers(string persons, string says)
    {
        using var room = new Room();
        room.Write("persons.json", Encoding.UTF8.GetBytes(persons));

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(room.RehearseAsync);

        Assert.Contains(says, e.Message);
        Assert.DoesNotContain("1101011970", e.ToString());
    }

    [Fact]
    public async Task TwoNamesOfOnePerson_AreRefused()
    {
        using var room = new Room();
        room.Write("persons.json", Encoding.UTF8.GetBytes(room.Persons.Replace("110101197001010024", "110101197001010016", StringComparison.Ordinal)));

        Assert.Contains("each officer is a person of his own", (await Assert.ThrowsAsync<CeremonyException>(room.RehearseAsync)).Message);
    }

    private static byte[] NameOf(UniversalTagNumber type, string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.CommonName);
            writer.WriteCharacterString(type, text);
        }

        return writer.Encode();
    }

    private sealed class Room : IDisposable
    {
        private static readonly string[] People = ["wei-zheng 魏征 110101197001010016", "bao-zheng 包拯 110101197001010024", "di-renjie 狄仁杰 110101197001010032", "hai-rui 海瑞 110101197001010040"];

        private readonly TemporaryFolder _folder = new();

        public Room()
        {
            Plan = BadPlanTests.Paper();
            CeremonyStage.Sm2Only(Plan);
            Directory.CreateDirectory(_folder.File("requests"));
            Persons = new JsonObject(People.Select(each => each.Split(' ')).Select(each => KeyValuePair.Create(each[0], (JsonNode?)new JsonObject { ["name"] = each[1], ["idNumber"] = each[2] }))).ToJsonString();
            Write("persons.json", Encoding.UTF8.GetBytes(Persons));
            foreach (string id in (string[])["ca-super", "ca-audit", "kmc-super", "kmc-audit"])
            {
                Bring($"officer-{id}", NameOf(UniversalTagNumber.UTF8String, "x"));
                using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                Write($"requests/{id}-link.csr", new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest());
                Fingerprint($"link-{id}", key.ExportSubjectPublicKeyInfo());
            }
        }

        public JsonObject Plan { get; }

        public string Persons { get; }

        public void Write(string file, byte[] content) => File.WriteAllBytes(_folder.File(file), content);

        /// <summary>An SM2 request with a name that our own types would not write.</summary>
        public byte[] Bring(string certificate, byte[] name, bool fingerprint = true)
        {
            using var key = Sm2PrivateKey.Generate();
            byte[] publicKey = Der.Encode(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
            var info = new AsnWriter(AsnEncodingRules.DER);
            using (info.PushSequence())
            {
                info.WriteInteger(0);
                info.WriteEncodedValue(name);
                info.WriteEncodedValue(publicKey);
                info.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0)).Dispose();
            }

            byte[] signature = new byte[Sm2.SignatureSizeInBytes];
            key.Sign(info.Encode(), signature);
            var request = new AsnWriter(AsnEncodingRules.DER);
            using (request.PushSequence())
            {
                request.WriteEncodedValue(info.Encode());
                request.WriteEncodedValue(Der.Encode(AlgorithmIdentifier.Sm3WithSm2));
                request.WriteBitString(Der.Encode(Sm2Signature.FromRaw(signature)));
            }

            Write((string)CeremonyStage.Entry(Plan, "certificates", certificate)["request"]!["file"]!, request.Encode());
            if (fingerprint)
            {
                Fingerprint(certificate, publicKey);
            }

            return request.Encode();
        }

        public async Task<IReadOnlyDictionary<string, Certificate>> RehearseAsync()
        {
            Write("plan.json", Encoding.UTF8.GetBytes(Plan.ToJsonString()));
            using var scratch = new TemporaryFolder();
            return await CeremonyRun.RehearseAsync(PlanFile.Read(_folder.File("plan.json"), null), null, scratch.Path, TimeProvider.System, _ => { }, TestContext.Current.CancellationToken);
        }

        public void Dispose() => _folder.Dispose();

        private void Fingerprint(string certificate, byte[] publicKey) =>
            CeremonyStage.Entry(Plan, "certificates", certificate)["request"]!["fingerprint"] = Convert.ToHexStringLower(Sm3.HashData(publicKey));
    }
}
