namespace ZwCa.Tests.Cryptography.ConstantTime;

public class CompilationTests
{
    /// <summary>Also the whole work of the child process that <see cref="Disassembly"/> starts.</summary>
    [Fact]
    public void EveryMarkedMethodCompiles()
    {
        foreach (System.Reflection.Assembly assembly in Disassembly.Assemblies)
        {
            MarkedMethods.Compile(assembly);
        }

        Assert.NotEmpty(Disassembly.Assemblies);
    }
}
