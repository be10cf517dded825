namespace ZwCa.Tests.Asn1;

/// <summary>A DER element as a tree that tests may bend out of shape; written independently of AsnReader.</summary>
internal sealed class Tlv
{
    private Tlv(byte tag, byte[] content, List<Tlv>? children)
    {
        Tag = tag;
        Content = content;
        Children = children;
    }

    public byte Tag { get; set; }

    public byte[] Content { get; set; }

    /// <summary>Null for a primitive element.</summary>
    public List<Tlv>? Children { get; set; }

    /// <summary>How the length is written; null: minimal and definite.</summary>
    public Func<int, byte[]>? Length { get; set; }

    public static Tlv Parse(ReadOnlySpan<byte> der) => Parse(ref der);

    /// <summary>This node and all below it.</summary>
    public IEnumerable<Tlv> All() => Children is null ? [this] : Children.SelectMany(c => c.All()).Prepend(this);

    public byte[] Encode()
    {
        var output = new MemoryStream();
        Encode(output);
        return output.ToArray();
    }

    public static byte[] MinimalLength(int length)
    {
        if (length < 0x80)
        {
            return [(byte)length];
        }

        byte[] octets = [.. BitConverter.GetBytes(length).Reverse().SkipWhile(b => b == 0)];
        return [(byte)(0x80 | octets.Length), .. octets];
    }

    private void Encode(MemoryStream output)
    {
        byte[] content = Content;
        if (Children is not null)
        {
            var inner = new MemoryStream();
            foreach (Tlv child in Children)
            {
                child.Encode(inner);
            }

            content = inner.ToArray();
        }

        output.WriteByte(Tag);
        output.Write((Length ?? MinimalLength)(content.Length));
        output.Write(content);
    }

    private static Tlv Parse(ref ReadOnlySpan<byte> rest)
    {
        byte tag = rest[0];
        Assert.NotEqual(0x1f, tag & 0x1f);
        int length = rest[1];
        rest = rest[2..];
        if (length >= 0x80)
        {
            int octets = length & 0x7f;
            length = 0;
            for (int i = 0; i < octets; i++)
            {
                length = (length << 8) | rest[i];
            }

            rest = rest[octets..];
        }

        ReadOnlySpan<byte> content = rest[..length];
        rest = rest[length..];
        if ((tag & 0x20) == 0)
        {
            return new Tlv(tag, content.ToArray(), null);
        }

        var children = new List<Tlv>();
        while (!content.IsEmpty)
        {
            children.Add(Parse(ref content));
        }

        return new Tlv(tag, [], children);
    }
}
