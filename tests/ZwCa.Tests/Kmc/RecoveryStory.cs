using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.Recoveries;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>A subscriber with a key, who has lost the token, and the papers by which the key comes to a new one.</summary>
internal sealed class RecoveryStory : IAsyncDisposable
{
    private static int _enrollments;

    private RecoveryStory(KmcScene scene) => Scene = scene;

    public KmcScene Scene { get; }

    public EscrowStory Story => Scene.Story;

    public Person Lost { get; } = new();

    public Person New { get; } = new();

    public SerialNumber Serial { get; } = EscrowStory.NextSerialNumber();

    public Officer Entry { get; } = new();

    public Officer Review { get; } = new();

    /// <summary>What the CA sent when it applied for the key.</summary>
    public byte[] Applied { get; private set; } = [];

    /// <summary>The key, as the lost token had it.</summary>
    public Sm2PrivateKey Key { get; private set; } = null!;

    public static async Task<RecoveryStory> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite)
    {
        var story = new RecoveryStory(await KmcScene.StartAsync(kind));
        story.Applied = story.Story.Message(story.Story.Ca, [story.Story.ApplyRequest(story.Serial, story.Lost.PublicKey)]);
        KmRespond respond = await story.Scene.SendAsync(story.Applied);
        story.Key = KmcScene.Open(((ApplyKeyRespond)respond.KsRespond.RespondList[0]).RetKeyRespond, story.Lost);
        return story;
    }

    public Application Application(SubjectPublicKeyInfo? recipient = null, string? caName = null, string? enrollment = null) => Story.RecoveryApplication(
        Serial, recipient ?? New.PublicKey, caName, enrollmentId: enrollment ?? $"E-{Interlocked.Increment(ref _enrollments)}");

    /// <summary>What the CA signs: the key, please, to that recipient.</summary>
    public byte[] Message(SubjectPublicKeyInfo? recipient = null, StoryCa? ca = null) => Story.Message(ca ?? Story.Ca, [RestoreKeyReq.Sm2(Serial, recipient ?? New.PublicKey)]);

    public byte[] Approve(Officer officer, ApprovalStep step, Application application, DateTimeOffset? time = null) => Story.Approve(officer, step, [application.Digest], time);

    /// <summary>All in order, but for what is given.</summary>
    public KeyRecovery Papers(Application? application = null, byte[]? entry = null, byte[]? review = null, byte[]? crl = null)
    {
        application ??= Application();
        return new KeyRecovery
        {
            Message = [],
            Application = Der.Encode(application),
            Entry = entry ?? Approve(Entry, ApprovalStep.Entry, application),
            Review = review ?? Approve(Review, ApprovalStep.Review, application),
            OfficerCrl = crl ?? Crl(),
        };
    }

    /// <summary>Of the issuer of both officers' certificates.</summary>
    /// <param name="revoked">DER of an approval, whose certificate is on it.</param>
    public byte[] Crl(int number = 7, TimeSpan age = default, byte[]? revoked = null, Person? by = null) => Crl(Story, number, age, revoked, by);

    /// <inheritdoc cref="Crl(int, TimeSpan, byte[], Person)"/>
    public static byte[] Crl(EscrowStory story, int number = 7, TimeSpan age = default, byte[]? revoked = null, Person? by = null)
    {
        var thisUpdate = Time.Truncate(DateTimeOffset.UtcNow - age);
        byte[] tbs = Der.Encode(new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            EscrowStory.CaSubject,
            thisUpdate,
            Time.Truncate(DateTimeOffset.UtcNow.AddDays(2)),
            revoked is null ? [] : [RevokedCertificate.Create(Der.Decode<Approval>(revoked).Certificate.Tbs.SerialNumber, thisUpdate)],
            new Extensions(
            [
                Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(story.OfficerIssuer.PublicKey).KeyIdentifier), critical: false),
                Extension.Create(new CrlNumber(number), critical: false),
            ])));
        return Der.Encode(CertificateList.Assemble(tbs, (by ?? story.OfficerIssuer).Sign(tbs)));
    }

    public Task<KmRespond> RecoverAsync(KeyRecovery? papers = null, byte[]? message = null, string link = KmcScene.Link) =>
        Scene.SendAsync(message ?? Message(), link, RecoveryPapers.Read(papers ?? Papers()));

    /// <summary>What was encrypted for the lost token opens with the key that has come to another one.</summary>
    public void AssertOpensTheOld(KmRespond respond, Person recipient)
    {
        byte[] old = Key.PublicKey.Encrypt("给丢失的令牌"u8);
        using Sm2PrivateKey recovered = KmcScene.Open(Assert.IsType<RestoreKeyRespond>(Assert.Single(respond.KsRespond.RespondList)).RetKeyRespond, recipient);
        Assert.Equal("给丢失的令牌"u8.ToArray(), recovered.Decrypt(old));
    }

    public ValueTask DisposeAsync()
    {
        Key?.Dispose();
        Lost.Key.Dispose();
        New.Key.Dispose();
        return Scene.DisposeAsync();
    }
}
