using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZwCa.Ocsp.Answers;

/// <summary>What of an address counts as one: whoever has an IPv6 address has a whole network of them.</summary>
internal static class ClientNetwork
{
    /// <param name="address">Null: not known; all of them are one.</param>
    /// <param name="ipv4Bits">From 1 on.</param>
    /// <param name="ipv6Bits">Likewise.</param>
    /// <returns>The first bits of the address, with a mark of its family.</returns>
    public static UInt128 Of(IPAddress? address, int ipv4Bits, int ipv6Bits)
    {
        if (address is { IsIPv4MappedToIPv6: true })
        {
            address = address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address is null || !address.TryWriteBytes(bytes, out _))
        {
            return UInt128.MaxValue;
        }

        UInt128 number = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return address.AddressFamily == AddressFamily.InterNetwork ? (number >> (128 - ipv4Bits)) | (UInt128.One << 127) : number >> (128 - ipv6Bits);
    }
}
