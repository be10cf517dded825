using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CommandBody ::= SEQUENCE {
///     action     UTF8String,
///     parameters ANY DEFINED BY action }
/// </code>
/// What officers order a service to do. The application names the service twice, as caName and as raName, and its enrollmentId is the command's id.
/// </summary>
/// <param name="Action">Subject and verb, lower case: <c>officer.create</c>; 1 to 256 characters.</param>
/// <param name="Parameters">One DER element; nothing in it is checked.</param>
public sealed record CommandBody(string Action, ReadOnlyMemory<byte> Parameters) : IDer<CommandBody>
{
    public string Action { get; } = CustodyFields.Text(Action, nameof(Action));

    public ReadOnlyMemory<byte> Parameters { get; } = Require.Element(Parameters);

    public bool Equals(CommandBody? other) => other is not null && Action == other.Action && Parameters.ContentEquals(other.Parameters);

    public override int GetHashCode() => HashCode.Combine(Action, Parameters.ContentHash());

    public static CommandBody Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var body = new CommandBody(CustodyFields.ReadText(sequence), sequence.ReadEncodedValue());
        sequence.ThrowIfNotEmpty();
        return body;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Action);
            writer.WriteEncodedValue(Parameters.Span);
        }
    }
}
