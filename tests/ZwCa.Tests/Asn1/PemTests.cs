using System.Diagnostics;
using System.Security.Cryptography;
using ZwCa.Asn1;

namespace ZwCa.Tests.Asn1;

public sealed class PemTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    [Fact]
    public void Lines_have_64_characters_and_dotnet_reads_them()
    {
        string text = Pem.Encode(Pem.Certificate, Bytes);
        string[] lines = text.Split('\n');
        Assert.Equal("-----BEGIN CERTIFICATE-----", lines[0]);
        Assert.Equal([64, 64, 8], lines[1..4].Select(l => l.Length));
        Assert.Equal(["-----END CERTIFICATE-----", ""], lines[4..]);
        Assert.True(PemEncoding.TryFind(text, out _));
        Assert.Equal(Bytes, Pem.Decode(Pem.Certificate, text));
    }

    [Fact]
    public void Explanations_and_CRLF_are_passed_over_and_chains_are_read_in_order()
    {
        string chain = "subject=张三\r\n" + Pem.Encode(Pem.Certificate, [1]).ReplaceLineEndings("\r\n") + "issuer\n" + Pem.Encode(Pem.Certificate, [2]);
        Assert.Equal([[1], [2]], Pem.DecodeAll(Pem.Certificate, chain));
        Assert.Throws<DerException>(() => Pem.Decode(Pem.Certificate, chain));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no block")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAQ==\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAQ=\n-----END CERTIFICATE-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nA?==\n-----END CERTIFICATE-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAQ==\n-----END X509 CRL-----\n")]
    [InlineData("-----BEGIN X509 CRL-----\nAQ==\n-----END X509 CRL-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nA")]
    public void Other_texts_are_refused(string text)
    {
        Assert.Throws<DerException>(() => Pem.DecodeAll(Pem.Certificate, text));
    }

    public static TheoryData<string> Damages => [
        "-----BEGIN CERTIFICATE-----\nA?==\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAQ=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAQ==\n",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN X-----\nAQ==\n",
        "-----BEGIN \n",
        "x-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n",
        "----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n",
        "-----BEGIN certificate-----\nAQ==\n-----END CERTIFICATE-----\n",
    ];

    /// <summary>.NET passes over such a block as if it were explanation.</summary>
    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_block_is_not_passed_over(string damaged)
    {
        string good = Pem.Encode(Pem.Certificate, [1]);
        Assert.Equal([[1], [1]], Pem.DecodeAll(Pem.Certificate, good + good));
        foreach (string text in (string[])[damaged + good, good + damaged, good + damaged + good, damaged])
        {
            Assert.Throws<DerException>(() => Pem.DecodeAll(Pem.Certificate, text));
            Assert.Throws<DerException>(() => Pem.Decode(Pem.Certificate, text));
        }
    }

    [Fact]
    public void Size_is_bounded()
    {
        string text = Pem.Encode(Pem.Certificate, Bytes);
        Assert.Throws<DerException>(() => Pem.Decode(Pem.Certificate, text, text.Length - 1));
        Assert.Equal(Bytes, Pem.Decode(Pem.Certificate, text, text.Length));
    }

    /// <summary>The cost is that of a few searches through the text, whatever the bound: a search to the end from each beginning took ten seconds for these.</summary>
    [Theory]
    [InlineData(999)]
    [InlineData(35_000)]
    [InlineData(1_000_000)]
    public void Many_beginnings_are_refused_soon(int count)
    {
        const int Size = 64 << 20;
        const string End = "\n-----END A-----";
        string beginnings = string.Concat(Enumerable.Repeat("-----BEGIN A-----\n", count));
        string rest = new('A', Size - beginnings.Length - End.Length);
        var watch = Stopwatch.StartNew();
        Assert.Throws<DerException>(() => Pem.DecodeAll("A", beginnings + rest, Size));
        Assert.Throws<DerException>(() => Pem.DecodeAll("A", beginnings + rest + End, Size));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), watch.Elapsed.ToString());
    }

    [Fact]
    public void Many_blocks_are_read_in_proportion()
    {
        const int Count = 20_000;
        string text = string.Concat(Enumerable.Repeat(Pem.Encode(Pem.Certificate, [1]), Count));
        var watch = Stopwatch.StartNew();
        Assert.Equal(Count, Pem.DecodeAll(Pem.Certificate, text, text.Length).Count);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), watch.Elapsed.ToString());
    }
}
