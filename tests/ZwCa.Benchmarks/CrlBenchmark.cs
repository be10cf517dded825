namespace ZwCa.Benchmarks;

internal static class CrlBenchmark
{
    public static int Run() => 1;
}
