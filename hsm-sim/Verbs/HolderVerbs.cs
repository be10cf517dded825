using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.HsmSim.Verbs;

/// <summary>What a person who holds a share, or a recovery officer, does with his own key. None of it needs a device.</summary>
internal static class HolderVerbs
{
    public static Command Holder() => new("holder", "A person's key: it opens his share and signs what holders decide.") { New(), Show() };

    public static Command Sign()
    {
        Option<FileInfo> key = VerbOptions.Key();
        Option<string> variable = VerbOptions.PasswordVariable();
        Option<FileInfo> input = VerbOptions.File("--in", "The statement (DER) of a policy, a backup or a recovery case.");
        Option<FileInfo> output = VerbOptions.File("--out", "Where the signature goes; must not exist.");
        var command = new Command("sign", "Says what a statement is about, and signs it.") { key, variable, input, output };
        command.SetAction(parsed =>
        {
            byte[] statement = File.ReadAllBytes(parsed.GetRequiredValue(input).FullName);
            parsed.InvocationConfiguration.Output.WriteLine(Statement.Describe(statement));
            using Sm2PrivateKey signer = KeyFile.Read(parsed.GetRequiredValue(key), parsed.GetRequiredValue(variable));
            using var file = new NewFile(parsed.GetRequiredValue(output));
            file.Write(Der.Encode(StatementSignature.Create(statement, signer)));
            parsed.InvocationConfiguration.Output.WriteLine($"Signed; the signature is in {file.Path}.");
        });
        return command;
    }

    private static Command New()
    {
        Option<FileInfo> output = VerbOptions.File("--out", "The key file; must not exist.");
        Option<string> variable = VerbOptions.PasswordVariable();
        var bare = new Option<bool>("--no-password") { Description = "Not encrypted: for tests." };
        var command = new Command("new", "Makes an SM2 key, encrypted under a password, and prints its public key.") { output, variable, bare };
        command.SetAction(parsed =>
        {
            bool encrypted = !parsed.GetValue(bare);
            string password = encrypted ? KeyFile.Password(parsed.GetRequiredValue(variable)) : "";
            using var file = new NewFile(parsed.GetRequiredValue(output));
            using var key = Sm2PrivateKey.Generate();
            byte[] content = encrypted ? Encoding.ASCII.GetBytes(Sm2KeyFile.Write(key, password)) : EncodeBare(key);
            file.Write(content);
            CryptographicOperations.ZeroMemory(content);
            if (!encrypted)
            {
                parsed.InvocationConfiguration.Error.WriteLine($"{file.Path} is not encrypted: it is for tests only.");
            }

            Print(key, parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    private static Command Show()
    {
        Option<FileInfo> key = VerbOptions.Key();
        Option<string> variable = VerbOptions.PasswordVariable();
        var command = new Command("show", "Prints the public key of a key file.") { key, variable };
        command.SetAction(parsed =>
        {
            using Sm2PrivateKey read = KeyFile.Read(parsed.GetRequiredValue(key), parsed.GetRequiredValue(variable));
            Print(read, parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    /// <summary>PKCS#8 in PEM.</summary>
    private static byte[] EncodeBare(Sm2PrivateKey key)
    {
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(d);
        byte[] inner = Der.Encode(new EcPrivateKey(d, publicKey: key.PublicKey.ToBytes()));
        byte[] der = Der.Encode(new PrivateKeyInfo(AlgorithmIdentifier.Sm2Key, inner));
        byte[] pem = Encoding.ASCII.GetBytes(Pem.Encode(Pem.PrivateKey, der));
        CryptographicOperations.ZeroMemory(d);
        CryptographicOperations.ZeroMemory(inner);
        CryptographicOperations.ZeroMemory(der);
        return pem;
    }

    private static void Print(Sm2PrivateKey key, TextWriter output) => output.WriteLine(Convert.ToHexStringLower(key.PublicKey.ToBytes()));
}
