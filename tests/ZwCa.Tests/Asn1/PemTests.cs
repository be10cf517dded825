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

    [Fact]
    public void Size_is_bounded()
    {
        string text = Pem.Encode(Pem.Certificate, Bytes);
        Assert.Throws<DerException>(() => Pem.Decode(Pem.Certificate, text, text.Length - 1));
        Assert.Equal(Bytes, Pem.Decode(Pem.Certificate, text, text.Length));
    }

    [Fact]
    public void Many_beginnings_without_an_end_are_refused_soon()
    {
        var watch = Stopwatch.StartNew();
        foreach (int count in (int[])[1000, 35_000])
        {
            string text = string.Concat(Enumerable.Repeat("-----BEGIN A-----\n", count)) + new string('A', Pem.DefaultMaxCharacters - (count * 18));
            Assert.Throws<DerException>(() => Pem.DecodeAll(Pem.Certificate, text));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), watch.Elapsed.ToString());
    }
}
