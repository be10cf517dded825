using System.Text;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>GB/T 32918.5-2017 annexes A and C: the recommended curve's published examples.</summary>
public class Sm2VectorTests
{
    private const string D = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    private const string Px = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020";
    private const string Py = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
    private const string K = "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21";
    private const string E = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640";
    private const string Signature =
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" + "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA";

    private const string Ciphertext =
        "04" + "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73" + "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
        + "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766" + "21886CA989CA9C7D58087307CA93092D651EFA";

    [Fact]
    public void PublicKey_IsThePublishedOne()
    {
        using Sm2PrivateKey key = Key();
        Assert.Equal("04" + Px + Py, Convert.ToHexString(key.PublicKey.ToBytes()));
    }

    [Theory]
    [InlineData("1234567812345678", "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3")]
    [InlineData("", "F2A1724ED3D6767E22FCD19BFB33CD8AF34F59AD7FDC8747CCE6ACACD414F1F9")]
    [InlineData("TLSv1.3+GM+Cipher+Suite", "97501E91C600A4CAA7B1F2416183ECAE91F75C616E21FC506EFCB5A168D190E0")]
    public void Z_DependsOnTheIdentity(string id, string z)
    {
        using Sm2PrivateKey key = Key();
        byte[] actual = new byte[32];
        key.PublicKey.ComputeZ(Encoding.ASCII.GetBytes(id), actual);
        Assert.Equal(z, Convert.ToHexString(actual));
    }

    [Fact]
    public void Digest_IsThePublishedOne()
    {
        using Sm2PrivateKey key = Key();
        byte[] digest = new byte[32];
        key.PublicKey.ComputeDigest("message digest"u8, digest);
        Assert.Equal(E, Convert.ToHexString(digest));
    }

    [Fact]
    public void PublishedNonce_GivesThePublishedSignature()
    {
        using Sm2PrivateKey key = Key();
        Assert.Equal(Signature, Convert.ToHexString(NonceInjection.SignDigest(key, Convert.FromHexString(E), Convert.FromHexString(K))!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PublishedSignature_Verifies(bool prepared)
    {
        Sm2PublicKey key = Sm2PublicKey.FromBytes(Convert.FromHexString("04" + Px + Py));
        if (prepared)
        {
            key.Prepare();
        }

        byte[] signature = Convert.FromHexString(Signature);
        Assert.True(key.Verify("message digest"u8, signature));
        Assert.True(key.Verify("message digest"u8, signature, Sm2.DefaultId));
        Assert.False(key.Verify("message digest"u8, signature, []));
        Assert.False(key.Verify("message digesT"u8, signature));
    }

    [Fact]
    public void PublishedNonce_GivesThePublishedCiphertext()
    {
        using Sm2PrivateKey key = Key();
        Assert.Equal(Ciphertext, Convert.ToHexString(NonceInjection.Encrypt(key.PublicKey, "encryption standard"u8, Convert.FromHexString(K))));
    }

    [Fact]
    public void PublishedCiphertext_Decrypts()
    {
        using Sm2PrivateKey key = Key();
        Assert.Equal("encryption standard", Encoding.ASCII.GetString(key.Decrypt(Convert.FromHexString(Ciphertext))));
    }

    [Theory]
    [InlineData("03" + Px)]
    public void CompressedPoint_IsThePublishedPoint(string compressed) =>
        Assert.Equal("04" + Px + Py, Convert.ToHexString(Sm2PublicKey.FromBytes(Convert.FromHexString(compressed)).ToBytes()));

    private static Sm2PrivateKey Key() => Sm2PrivateKey.FromBytes(Convert.FromHexString(D));
}
