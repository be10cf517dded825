using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.Issuance.Lint.Crls;

/// <summary>Makes bad CRLs out of good ones, byte by byte: nothing of what builds or reads ours.</summary>
internal static class CrlEdit
{
    /// <summary>Another element, or none, in place of one; the lengths around it fit again.</summary>
    /// <param name="path">Indexes of children from the outermost element: "0/5/0".</param>
    /// <param name="element">Any bytes: several elements, an element that is not DER, or nothing.</param>
    public static byte[] Replace(byte[] der, string path, byte[] element) => Replace(der, [.. path.Split('/').Select(int.Parse)], element);

    /// <summary>The element at the path.</summary>
    public static byte[] Find(byte[] der, string path)
    {
        byte[] found = der;
        foreach (int index in path.Split('/').Select(int.Parse))
        {
            found = Children(found)[index];
        }

        return found;
    }

    /// <summary>Tag, shortest length, content.</summary>
    public static byte[] Element(byte tag, params byte[][] contents)
    {
        byte[] content = [.. contents.SelectMany(each => each)];
        return [tag, .. Tlv.MinimalLength(content.Length), .. content];
    }

    private static byte[] Replace(byte[] der, ReadOnlySpan<int> path, byte[] element)
    {
        if (path.IsEmpty)
        {
            return element;
        }

        byte[][] children = Children(der);
        children[path[0]] = Replace(children[path[0]], path[1..], element);
        return Element(der[0], children);
    }

    private static byte[][] Children(byte[] der)
    {
        var children = new List<byte[]>();
        ReadOnlySpan<byte> rest = der.AsSpan(HeaderLength(der));
        while (!rest.IsEmpty)
        {
            int length = HeaderLength(rest) + ContentLength(rest);
            children.Add(rest[..length].ToArray());
            rest = rest[length..];
        }

        return [.. children];
    }

    private static int HeaderLength(ReadOnlySpan<byte> der) => der[1] < 0x80 ? 2 : 2 + (der[1] & 0x7f);

    private static int ContentLength(ReadOnlySpan<byte> der)
    {
        if (der[1] < 0x80)
        {
            return der[1];
        }

        int length = 0;
        foreach (byte octet in der[2..HeaderLength(der)])
        {
            length = (length << 8) | octet;
        }

        return length;
    }
}
