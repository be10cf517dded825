namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>The body of a request or an answer, read and written in the order of its fields.</summary>
internal interface IMessage<TSelf>
    where TSelf : IMessage<TSelf>
{
    /// <exception cref="WireException">Not such a body.</exception>
    static abstract TSelf Read(ref WireReader reader);

    void Write(WireWriter writer);
}

internal static class Message
{
    /// <summary>Reads a body to its end.</summary>
    /// <param name="body">Slices of it may be kept.</param>
    /// <exception cref="WireException">Not such a body.</exception>
    public static T Decode<T>(ReadOnlyMemory<byte> body)
        where T : IMessage<T>
    {
        var reader = new WireReader(body);
        T message = T.Read(ref reader);
        reader.ThrowIfNotEmpty();
        return message;
    }

    public static byte[] Encode<T>(T message)
        where T : IMessage<T>
    {
        using var writer = new WireWriter();
        message.Write(writer);
        return writer.Written.ToArray();
    }

    /// <exception cref="ArgumentException">Longer than a request may be.</exception>
    /// <returns>The body, for the caller to dispose of.</returns>
    public static WireWriter EncodeRequest<T>(T request)
        where T : IMessage<T>
    {
        var body = new WireWriter();
        try
        {
            request.Write(body);
            return body.Written.Length <= Frame.MaxRequestBody
                ? body
                : throw new ArgumentException($"The request has {body.Written.Length} bytes; {Frame.MaxRequestBody} are allowed.");
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }
}

/// <summary>No field.</summary>
internal readonly record struct Nothing : IMessage<Nothing>
{
    public static Nothing Read(ref WireReader reader) => default;

    public void Write(WireWriter writer)
    {
    }
}

/// <summary>One field of bytes; the operation says what they are and how many.</summary>
internal readonly record struct Bytes(ReadOnlyMemory<byte> Value) : IMessage<Bytes>
{
    public static Bytes Read(ref WireReader reader) => new(reader.ReadBytes(Frame.MaxAnswerBody));

    public void Write(WireWriter writer) => writer.WriteBytes(Value.Span);
}

/// <summary>One number.</summary>
internal readonly record struct Number(long Value) : IMessage<Number>
{
    public static Number Read(ref WireReader reader) => new(reader.ReadInt64());

    public void Write(WireWriter writer) => writer.WriteInt64(Value);
}
