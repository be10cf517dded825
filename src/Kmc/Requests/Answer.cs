using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Recoveries;

namespace ZwCa.Kmc.Requests;

/// <summary>What a request of a message comes to.</summary>
internal enum AnswerKind
{
    Apply,
    Restore,
    Revoke,

    /// <summary>A restoration to another recipient, with the papers that it takes.</summary>
    Recover,
}

/// <summary>One request on its way.</summary>
internal sealed class Answer
{
    public AnswerKind Kind { get; init; }

    /// <summary>As it is stored; null: refused.</summary>
    public EscrowedKey? Row { get; init; }

    /// <summary>To whom the device opens it; null: nobody.</summary>
    public SubjectPublicKeyInfo? Recipient { get; init; }

    /// <summary>Another message than the one that asks; null: that one.</summary>
    public EnvelopeAuthorization? Authorization { get; init; }

    /// <summary>The recovery by which the recipient is another than the first; null: it is the first.</summary>
    public KeyRecoveryRow? Recovery { get; init; }

    /// <summary>As it will be stored.</summary>
    public EscrowedKey? After { get; set; }

    public KmcError? Error { get; private set; }

    public Respond? Respond { get; set; }

    public static Answer Refused(RequestRefusedException e) => new() { Respond = e.ToRespond(), Error = e.Error };

    /// <summary>It was planned, and is refused all the same.</summary>
    public void Refuse(RequestRefusedException e) => (Respond, Error) = (e.ToRespond(), e.Error);
}
