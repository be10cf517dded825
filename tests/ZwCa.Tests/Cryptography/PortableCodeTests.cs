namespace ZwCa.Tests.Cryptography;

/// <summary>The same vectors and edges on processors that lack what ours has: the code chosen there is otherwise never run here.</summary>
public class PortableCodeTests
{
    private static readonly Type[] Classes =
    [
        typeof(Sm2VectorTests), typeof(SignatureTests), typeof(PointTests), typeof(RandomSourceTests), typeof(KeyTests),
        typeof(Sm3Tests), typeof(HmacSm3Tests), typeof(Sm2KdfTests), typeof(Sm4Tests), typeof(Sm4GcmTests),
    ];

    [Theory]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void VectorsAndEdgesHoldWithoutInstructions(string setting)
    {
        string output = ChildRun.Run(Classes.SelectMany(type => (string[])["-class", type.FullName!]), [(setting, "0")]);
        Assert.Contains("Failed: 0", output, StringComparison.Ordinal);
    }
}
