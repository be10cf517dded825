using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Architecture;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>The example in docs/MESSAGES.md is what the code does.</summary>
public sealed class MessageDocumentTests
{
    private static readonly string Document = RepositoryTree.ReadText("docs/MESSAGES.md");

    [Fact]
    public void TheExample_IsAMessageThatHolds()
    {
        string[] request = Block("http").Split("\n\n", 2);
        string[] lines = request[0].Split('\n');
        string[] start = lines[0].Split(' ');
        byte[] body = Encoding.UTF8.GetBytes(request[1].TrimEnd('\n'));
        var http = new HeaderDictionary();
        foreach (string[] header in lines[1..].Select(line => line.Split(": ", 2)))
        {
            http[header[0]] = header[1];
        }

        MessageHeaders headers = MessageHeaders.Read(http);
        var message = new SignedMessage(headers.Sender, headers.Recipient, start[0], start[1], headers.Id, headers.Created, Sm3.HashData(body));

        Assert.Equal(body.Length, http.ContentLength);
        Assert.Equal(Block("text"), Encoding.ASCII.GetString(message.Bytes.Span));
        Assert.Equal(Block("hex").Replace("\n", "", StringComparison.Ordinal), Convert.ToHexStringLower(message.Bytes.Span));
        Assert.True(Der.Decode<SubjectPublicKeyInfo>(Pem.Decode(Pem.PublicKey, Block("pem"))).TryGetSm2Key(out Sm2PublicKey? key));
        Assert.True(message.IsSignedBy(key, headers.Signature));

        using var secret = Sm2PrivateKey.FromBytes(Convert.FromHexString(Regex.Match(Document, "d = `([0-9A-F]{64})`").Groups[1].Value));
        Assert.Equal(key.ToBytes(), secret.PublicKey.ToBytes());
    }

    [Theory]
    [InlineData(MessageHeaders.SenderName)]
    [InlineData(MessageHeaders.RecipientName)]
    [InlineData(MessageHeaders.RequestIdName)]
    [InlineData(MessageHeaders.CreatedName)]
    [InlineData(MessageHeaders.SignatureName)]
    public void EveryHeader_IsInTheTable(string name) => Assert.Contains($"| `{name}` | ", Document, StringComparison.Ordinal);

    private static string Block(string kind) => Regex.Match(Document, $"```{kind}\n([^`]*)```").Groups[1].Value;
}
