using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Tests.HsmSim.Device;

/// <summary>
/// An attempt to have a key opened on a CA's word. It is in order until a test changes one property: so the table of what is refused says of each
/// refusal what alone was wrong.
/// </summary>
internal sealed record CaAttempt(EscrowStory Story, SerialNumber Serial, SubjectPublicKeyInfo Recipient)
{
    public StoryCa Ca { get; init; } = Story.Ca;

    /// <summary>Signs in place of the CA.</summary>
    public Person? Signer { get; init; }

    public string HashAlgorithm { get; init; } = Oids.Sm3;

    public bool Restores { get; init; }

    /// <summary>Whom the message names, if not the recipient.</summary>
    public SubjectPublicKeyInfo? Named { get; init; }

    /// <summary>After the story's now.</summary>
    public TimeSpan Age { get; init; }

    public int Index { get; init; }

    /// <summary>The whole list, in place of one request.</summary>
    public IReadOnlyList<Request>? Requests { get; init; }

    /// <summary>DER in place of the application that fits.</summary>
    public Func<Application?>? Application { get; init; }

    /// <summary>Made of the application's digest.</summary>
    public Func<ReadOnlyMemory<byte>, IReadOnlyList<ReadOnlyMemory<byte>>>? Approvals { get; init; }

    /// <summary>Changes the bytes of the message last.</summary>
    public Func<byte[], byte[]>? Tamper { get; init; }

    public EnvelopeAuthorization.ByCa Build()
    {
        SubjectPublicKeyInfo named = Named ?? Recipient;
        Request request = Restores ? RestoreKeyReq.Sm2(Serial, named) : Story.ApplyRequest(Serial, named);
        byte[] message = Story.Message(Ca, Requests ?? [request], Story.Now + Age, Signer, HashAlgorithm);
        Application? application = Application?.Invoke();
        return new EnvelopeAuthorization.ByCa(Tamper?.Invoke(message) ?? message, Index)
        {
            Application = application is null ? default(ReadOnlyMemory<byte>?) : Der.Encode(application),
            Approvals = application is null ? [] : Approvals?.Invoke(application.Digest) ?? [],
        };
    }
}
