using System.Buffers.Binary;
using System.Diagnostics;
using ZwCa.Issuance;

namespace ZwCa.Benchmarks;

/// <summary>
/// Computes the table of Debian's weak keys of one size (src/Issuance/Keys/Debian). It can be stopped: what the file already has is not computed again.
/// </summary>
internal static class DebianTable
{
    private const int RowLength = DebianOrigin.Variants * sizeof(uint);

    public static int Run(int bits, string path)
    {
        using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        int first = (int)(file.Length / RowLength);
        file.Position = (long)first * RowLength;
        var clock = Stopwatch.StartNew();
        int step = Environment.ProcessorCount;
        for (int process = first; process < DebianOrigin.ProcessIds; process += step)
        {
            int rows = Math.Min(step, DebianOrigin.ProcessIds - process);
            byte[] block = new byte[rows * RowLength];
            Parallel.For(0, rows * DebianOrigin.Variants, i =>
            {
                var origin = DebianOrigin.At((process * DebianOrigin.Variants) + i);
                uint entry = DebianKeys.EntryOf(DebianKeyGeneration.ModulusOf(origin, bits));
                BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(i * sizeof(uint)), entry);
            });
            file.Write(block);
            file.Flush();
            int done = process + rows - first;
            TimeSpan left = clock.Elapsed / done * (DebianOrigin.ProcessIds - process - rows);
            Console.Write($"\r{process + rows} of {DebianOrigin.ProcessIds} processes, {left.TotalMinutes:F0} minutes left ");
        }

        Console.WriteLine();
        return 0;
    }
}
