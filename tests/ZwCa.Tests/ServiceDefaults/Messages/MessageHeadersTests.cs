using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>The five headers: one form each.</summary>
public sealed class MessageHeadersTests
{
    private static readonly string[] Names =
        [MessageHeaders.SenderName, MessageHeaders.RecipientName, MessageHeaders.RequestIdName, MessageHeaders.CreatedName, MessageHeaders.SignatureName];

    private static readonly byte[] Signature = Der.Encode(Sm2Signature.FromRaw([.. Enumerable.Range(1, 64).Select(i => (byte)i)]));

    private static readonly SignedMessage Message = new(
        SerialNumber.Parse("4a01"), "ca", "POST", "/", RequestId.Parse("0123456789abcdef"), DateTimeOffset.FromUnixTimeMilliseconds(1_750_000_000_123), Sm3.HashData([]));

    public static TheoryData<string, string[]> Wrong
    {
        get
        {
            string signature = Convert.ToBase64String(Signature);
            var data = new TheoryData<string, string[]>
            {
                { MessageHeaders.SenderName, ["4A01"] },
                { MessageHeaders.SenderName, ["4a1"] },
                { MessageHeaders.SenderName, ["004a01"] },
                { MessageHeaders.SenderName, [new string('7', 42)] },
                { MessageHeaders.SenderName, ["4a01, 4a01"] },
                { MessageHeaders.RecipientName, ["CA"] },
                { MessageHeaders.RecipientName, [new string('a', 65)] },
                { MessageHeaders.RequestIdName, ["0123456789abcde"] },
                { MessageHeaders.RequestIdName, ["0123456789abcde\n"] },
                { MessageHeaders.CreatedName, ["-1"] },
                { MessageHeaders.CreatedName, ["+1"] },
                { MessageHeaders.CreatedName, ["1.0"] },
                { MessageHeaders.CreatedName, ["01750000000123"] },
                { MessageHeaders.CreatedName, ["٣"] },
                { MessageHeaders.CreatedName, ["253402300800000"] },
                { MessageHeaders.CreatedName, [new string('9', 400)] },
                { MessageHeaders.SignatureName, [signature.TrimEnd('=') + "!"] },
                { MessageHeaders.SignatureName, [signature[..8] + " " + signature[8..]] },
                { MessageHeaders.SignatureName, [signature[..8] + "\n" + signature[8..]] },
                { MessageHeaders.SignatureName, [Convert.ToBase64String([.. Signature, 0])] },
                { MessageHeaders.SignatureName, [Convert.ToBase64String(Signature[..^1])] },
                { MessageHeaders.SignatureName, [Convert.ToBase64String(new byte[64])] },
                { MessageHeaders.SignatureName, [new string('A', 100)] },
            };
            foreach (string name in Names)
            {
                string right = MessageHeaders.Write(Message, Signature).Single(each => each.Key == name).Value;
                data.Add(name, []);
                data.Add(name, [""]);
                data.Add(name, [right, right]);
                data.Add(name, [right + "\0"]);
                data.Add(name, [right + " "]);
                data.Add(name, [" " + right]);
                data.Add(name, [new string('a', 10_000)]);
            }

            return data;
        }
    }

    [Fact]
    public void WhatIsWritten_IsRead()
    {
        MessageHeaders read = MessageHeaders.Read(Headers());

        Assert.Equal((Message.Sender, Message.Recipient, Message.Id, Message.Created), (read.Sender, read.Recipient, read.Id, read.Created));
        Assert.Equal(Signature, Der.Encode(read.Signature));
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void AnotherForm_IsMalformed(string name, string[] values)
    {
        HeaderDictionary headers = Headers();
        headers[name] = values;

        RefusalException refusal = Assert.Throws<RefusalException>(() => MessageHeaders.Read(headers));
        Assert.Equal(Refusal.Malformed, refusal.Kind);
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Random headers are malformed, or what is read of them is written as it was: there is one form of each.</summary>
    [Fact]
    public void RandomHeaders_AreRefusedOrReproduced()
    {
        var random = new TestRandom();
        int accepted = 0;
        for (int i = 0; i < (TestRandom.Long ? 1_000_000 : 10_000); i++)
        {
            HeaderDictionary headers = Headers();
            for (int changes = random.Next(1, 3); changes > 0; changes--)
            {
                string name = Names[random.Next(Names.Length)];
                headers[name] = Change(random, headers[name]);
            }

            try
            {
                MessageHeaders read = MessageHeaders.Read(headers);
                var again = new SignedMessage(read.Sender, read.Recipient, "POST", "/", read.Id, read.Created, new byte[32]);
                Assert.All(MessageHeaders.Write(again, Der.Encode(read.Signature)), each => Assert.Equal(each.Value, headers[each.Key].ToString()));
                accepted++;
            }
            catch (RefusalException e)
            {
                Assert.Equal(Refusal.Malformed, e.Kind);
            }
        }

        Assert.True(accepted > 0);
    }

    internal static StringValues Change(Random random, StringValues values)
    {
        var text = new StringBuilder(values.ToString());
        int at = random.Next(text.Length + 1);
        switch (random.Next(7))
        {
            case 0:
                return StringValues.Empty;
            case 1:
                return new StringValues([values.ToString(), values.ToString()]);
            case 2:
                return text.Insert(at, (char)random.Next(0x250)).ToString();
            case 3 when text.Length > 0:
                return text.Remove(Math.Min(at, text.Length - 1), 1).ToString();
            case 4 when text.Length > 0:
                text[Math.Min(at, text.Length - 1)] = "0123456789abcdefABCDEF-_=+/ \n,"[random.Next(30)];
                return text.ToString();
            case 5:
                return text.ToString(0, at);
            default:
                return text.Append(text).ToString();
        }
    }

    private static HeaderDictionary Headers()
    {
        var headers = new HeaderDictionary();
        foreach ((string name, string value) in MessageHeaders.Write(Message, Signature))
        {
            headers[name] = value;
        }

        return headers;
    }
}
