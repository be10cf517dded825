namespace ZwCa.Tests.Cryptography;

internal static class Accelerated
{
    /// <summary>The portable path always, the accelerated one where the processor has the instructions.</summary>
    public static TheoryData<bool> Paths(bool supported) => supported ? [false, true] : [false];
}
