namespace ZwCa.Asn1;

/// <summary>Bytes from outside that are not what they claim to be. The service edge turns it into a refusal; it is never a bug.</summary>
public sealed class DerException : FormatException
{
    public DerException(string message)
        : base(message)
    {
    }

    public DerException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
