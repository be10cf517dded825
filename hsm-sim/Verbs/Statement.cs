using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.HsmSim.Verbs;

/// <summary>What holders and recovery officers sign, in words.</summary>
internal static class Statement
{
    /// <param name="statement">DER.</param>
    /// <exception cref="VerbException">None of the three.</exception>
    public static string Describe(byte[] statement)
    {
        return TryDecode(statement) switch
        {
            PartitionPolicy policy =>
                $"This is policy {policy.Version} for the partition {Hex(policy.Partition)}. When m of its holders sign, it is in force:\n{PolicyDocument.Write(policy)}",
            BackupStatement backup =>
                $"This is the order to make a backup of all keys of the partition {Hex(backup.Partition)}. It holds until {backup.NotAfter}; the backup opens only with m holders.",
            RecoveryCase recovery => new StringBuilder("This is the order to give a subscriber's private key to another (judicial recovery):\n")
                .Append("  case        ").AppendLine(recovery.CaseNumber)
                .Append("  document    SM3 ").AppendLine(Hex(recovery.DocumentHash))
                .Append("  key         ").AppendLine(Hex(recovery.KeyId))
                .Append("  recipient   ").AppendLine(Hex(recovery.Recipient.PublicKey))
                .Append("  partition   ").AppendLine(Hex(recovery.Partition))
                .Append("  until       ").Append(recovery.NotAfter)
                .ToString(),
            _ => throw new VerbException("The file is no policy, backup statement or recovery case. Nothing else is signed."),
        };
    }

    /// <exception cref="VerbException">Another thing.</exception>
    public static SignedStatement Assemble(FileInfo statement, IEnumerable<FileInfo> signatures) => new(
        File.ReadAllBytes(statement.FullName),
        [.. signatures.Select(file => Der.Decode<StatementSignature>(File.ReadAllBytes(file.FullName)))]);

    private static object? TryDecode(byte[] statement) => Try<PartitionPolicy>(statement) ?? Try<BackupStatement>(statement) ?? (object?)Try<RecoveryCase>(statement);

    /// <summary>Each begins with an identifier of its own, so at most one fits.</summary>
    private static T? Try<T>(byte[] statement)
        where T : class, IDer<T>
    {
        try
        {
            return Der.Decode<T>(statement);
        }
        catch (DerException)
        {
            return null;
        }
    }

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);
}
