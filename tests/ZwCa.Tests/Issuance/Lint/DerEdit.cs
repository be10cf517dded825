using ZwCa.Issuance;
using ZwCa.Tests.Asn1;

namespace ZwCa.Tests.Issuance;

/// <summary>Changes one element somewhere inside an encoding and sets the lengths around it right. It looks at octets only.</summary>
internal static class DerEdit
{
    private const byte BitString = 0x03;

    // From the whole certificate.
    public static readonly int[] Version = [0, 0, 0];
    public static readonly int[] Serial = [0, 1];
    public static readonly int[] InnerAlgorithm = [0, 2];
    public static readonly int[] Issuer = [0, 3];
    public static readonly int[] NotBefore = [0, 4, 0];
    public static readonly int[] NotAfter = [0, 4, 1];
    public static readonly int[] Subject = [0, 5];
    public static readonly int[] Key = [0, 6];
    public static readonly int[] Extensions = [0, 7, 0];
    public static readonly int[] OuterAlgorithm = [1];
    public static readonly int[] Signature = [2];

    public static byte[] Element(byte tag, params ReadOnlySpan<byte> content) => [tag, .. Tlv.MinimalLength(content.Length), .. content];

    /// <param name="path">Of children, from the whole inwards; what is inside an OCTET STRING or BIT STRING is its child.</param>
    public static byte[] Get(byte[] der, params ReadOnlySpan<int> path)
    {
        foreach (int child in path)
        {
            der = Children(der)[child];
        }

        return der;
    }

    /// <param name="change">From the element's octets to those in its place: none, one element, or several.</param>
    public static byte[] Change(byte[] der, ReadOnlySpan<int> path, Func<byte[], byte[]> change)
    {
        if (path.IsEmpty)
        {
            return change(der);
        }

        List<byte[]> children = Children(der);
        children[path[0]] = Change(children[path[0]], path[1..], change);
        byte[] content = [.. children.SelectMany(child => child)];
        return Element(der[0], der[0] == BitString ? [0, .. content] : content);
    }

    public static byte[] Content(byte[] element) => element[^Length(element)..];

    /// <summary>The place of an extension in a certificate.</summary>
    public static int[] Extension(byte[] certificate, string oid)
    {
        byte[] id = Element(0x06, KnownOid.Content(oid));
        int index = Children(Get(certificate, Extensions)).FindIndex(extension => Children(extension)[0].AsSpan().SequenceEqual(id));
        Assert.True(index >= 0, $"{oid} is not there.");
        return [.. Extensions, index];
    }

    /// <summary>The place of the element in an extension's extnValue.</summary>
    public static int[] ExtensionValue(byte[] certificate, string oid)
    {
        int[] extension = Extension(certificate, oid);
        return [.. extension, Children(Get(certificate, extension)).Count - 1, 0];
    }

    private static List<byte[]> Children(byte[] element)
    {
        ReadOnlySpan<byte> rest = Content(element);
        if (element[0] == BitString)
        {
            Assert.Equal(0, rest[0]);
            rest = rest[1..];
        }

        var children = new List<byte[]>();
        while (!rest.IsEmpty)
        {
            int header = HeaderLength(rest, out int length);
            children.Add(rest[..(header + length)].ToArray());
            rest = rest[(header + length)..];
        }

        return children;
    }

    private static int Length(byte[] element)
    {
        HeaderLength(element, out int length);
        return length;
    }

    private static int HeaderLength(ReadOnlySpan<byte> element, out int length)
    {
        length = element[1];
        if (length < 0x80)
        {
            return 2;
        }

        int octets = length & 0x7f;
        length = 0;
        foreach (byte octet in element.Slice(2, octets))
        {
            length = (length << 8) | octet;
        }

        return 2 + octets;
    }
}
