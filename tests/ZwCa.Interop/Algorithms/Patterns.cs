namespace ZwCa.Interop.Algorithms;

internal static class Patterns
{
    /// <summary>Bytes that do not repeat with the block or the buffer size.</summary>
    public static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)((i * 31 + i / 251) & 0xff))];
}
