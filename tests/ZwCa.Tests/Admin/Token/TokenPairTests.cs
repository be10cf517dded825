using System.Security.Cryptography;
using System.Text;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using Sm2Cipher = ZwCa.Asn1.Gm.Sm2Cipher;

namespace ZwCa.Tests.Admin.Token;

/// <summary>The encryption pair of a container: how it gets in, what it opens, what is never lost.</summary>
public sealed class TokenPairTests : IDisposable
{
    private const string Container = "新";
    private const string FolderVariable = "ZWCA_TEST_TOKEN_FOLDER";

    private static readonly byte[] Message = Encoding.UTF8.GetBytes("公文");

    private readonly TestToken _desk = TestToken.Stocked();
    private readonly SoftwareToken _token;
    private readonly UnlockedToken _unlocked;

    public TokenPairTests()
    {
        _token = SoftwareToken.Open(_desk.Folder, _desk.Clock);
        _unlocked = _token.Unlock(TestToken.Pin);
    }

    public void Dispose()
    {
        _unlocked.Dispose();
        _desk.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void APair_IsImported_AndItsReceiptSaysWhatArrived(bool blob)
    {
        PairAnswer answer = NewAnswer();

        SignedReceipt signed = answer.ImportInto(_unlocked, Container, blob ? answer.Blob : answer.Der);

        // The same digest for both forms: the CA keeps the DER.
        Assert.Equal(
            new DeliveryReceipt(
                answer.PairId, PairAnswer.IssuerKeyId, answer.Signing.Tbs.SerialNumber, answer.Serial, Sm3.HashData(answer.Der), DeliveryOutcome.Accepted, Time.Truncate(_desk.Clock.GetUtcNow())),
            signed.Receipt);
        Assert.True(Der.Decode<SignedReceipt>(Der.Encode(signed)).Verify(answer.Signing.Tbs.SubjectPublicKeyInfo));
        Assert.Equal(answer.Signing.Tbs.SerialNumber, _token.Container(Container).Certificate!.Tbs.SerialNumber);
        using UnlockedToken again = SoftwareToken.Open(_desk.Folder, _desk.Clock).Unlock(TestToken.Pin);
        Assert.Equal(Message, again.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message))));
        Assert.Equal(Message, again.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message)), answer.Serial));
    }

    [Fact]
    public void TheSameAnswerAgain_ChangesNothing_AndIsAcceptedAgain()
    {
        PairAnswer answer = NewAnswer();
        answer.ImportInto(_unlocked, Container);
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();

        Assert.Equal(DeliveryOutcome.Accepted, answer.ImportInto(_unlocked, Container, answer.Blob).Receipt.Outcome);
        Assert.Equal(before, _desk.Snapshot());
    }

    [Fact]
    public void AfterANewPair_TheOldCiphertextStillOpens()
    {
        PairAnswer first = NewAnswer();
        first.ImportInto(_unlocked, Container);
        _desk.Clock.Advance(TimeSpan.FromDays(300));
        PairAnswer second = NewAnswer();
        second.ImportInto(_unlocked, Container);
        var old = Ciphertext.Parse(first.Encrypt(Message));

        Assert.Equal(Message, _unlocked.Decrypt(Container, old));
        Assert.Equal(Message, _unlocked.Decrypt(Container, old, first.Serial));
        Assert.Contains("加密证书", Refused(Refusal.BadPublicKey, () => _unlocked.Decrypt(Container, old, second.Serial)));
        Assert.Contains(first.Serial.ToString(), Refused(Refusal.NotFound, () => _unlocked.Decrypt(Container, old, SerialNumber.Parse("01"))));
        Assert.Equal([second.Serial, first.Serial], _token.Container(Container).EncryptionPairs().Select(pair => pair.Certificate!.Tbs.SerialNumber));
    }

    [Fact]
    public void ALostToken_TheKeyIsRecoveredToANewOne_AndOldCiphertextOpens()
    {
        using var key = Sm2PrivateKey.Generate();
        DateTimeOffset then = _desk.Clock.GetUtcNow().AddDays(-200);
        var lost = new PairAnswer(
            PairAnswer.Certify(_desk.IssuerKey, KeyUsage.Signing, then),
            PairAnswer.Certify(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), KeyUsage.Encryption, then),
            PairAnswer.Envelope(key, _desk.IssuerKey));
        PairAnswer current = NewAnswer();
        current.ImportInto(_unlocked, Container);

        SignedReceipt receipt = lost.RecoverTo(SigningKey, key, _desk.Clock.GetUtcNow()).ImportInto(_unlocked, Container);

        Assert.Equal((DeliveryOutcome.Accepted, lost.Serial), (receipt.Receipt.Outcome, receipt.Receipt.EncryptionSerial));
        Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(lost.Encrypt(Message))));
        Assert.Equal(current.Serial, _token.Container(Container).EncryptionPairs()[0].Certificate!.Tbs.SerialNumber);
    }

    /// <summary>The envelope is for this token, but d·G is not the certificate's key: whatever the envelope says about itself.</summary>
    [Theory]
    [InlineData("another key")]
    [InlineData("another key under the name of the right one")]
    [InlineData("the right key under the name of another")]
    [InlineData("a changed private key")]
    [InlineData("a private key that is none")]
    [InlineData("an SM4 key of another length")]
    public void AnotherKeyInTheEnvelope_IsSaidInTheReceipt_AndNothingIsKept(string what)
    {
        PairAnswer answer = NewAnswer();
        using var other = Sm2PrivateKey.Generate();
        var right = answer.Sealed;
        var wrong = PairAnswer.Envelope(other, SigningKey);
        Assert.True(SigningKey.TryGetSm2Key(out Sm2PublicKey? signingKey));
        byte[] sm4Key = RandomNumberGenerator.GetBytes(Sm4.KeySizeInBytes);
        using var sm4 = new Sm4(sm4Key);
        var envelope = what switch
        {
            "another key" => wrong,
            "another key under the name of the right one" => wrong with { PublicKey = right.PublicKey },
            "the right key under the name of another" => right with { PublicKey = wrong.PublicKey },
            "a changed private key" => right with { EncryptedPrivateKey = (byte[])[.. right.EncryptedPrivateKey.Span[..^1], (byte)(right.EncryptedPrivateKey.Span[^1] ^ 1)] },
            "a private key that is none" => right with { Cipher = Sm2Cipher.FromRaw(signingKey.Encrypt(sm4Key)), EncryptedPrivateKey = sm4.EncryptEcb(new byte[64], PaddingMode.None) },
            _ => right with { Cipher = Sm2Cipher.FromRaw(signingKey.Encrypt(new byte[17])) },
        };
        byte[] der = Der.Encode(envelope.ToSm2EnvelopedKey());
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();

        SignedReceipt signed = answer.ImportInto(_unlocked, Container, der);

        Assert.Equal(DeliveryOutcome.KeyMismatch, signed.Receipt.Outcome);
        Assert.Equal(Sm3.HashData(der), signed.Receipt.Envelope.ToArray());
        Assert.True(signed.Verify(SigningKey));
        Assert.Equal(before, _desk.Snapshot());
    }

    /// <summary>Or who changes a blob on the way could have the pair revoked: the receipt would name the CA's own envelope.</summary>
    [Fact]
    public void TheZerosOfABlob_MakeNoMismatch()
    {
        PairAnswer answer = NewAnswer();
        byte[] blob = answer.Blob;
        blob[12] ^= 1;

        DeliveryReceipt receipt = answer.ImportInto(_unlocked, Container, blob).Receipt;

        Assert.Equal(DeliveryOutcome.Accepted, receipt.Outcome);
        Assert.Equal(Sm3.HashData(answer.Der), receipt.Envelope.ToArray());
        Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message))));
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "an envelope for another token", "BadPublicKey" },
        { "an envelope whose SM4 key was changed", "BadPublicKey" },
        { "an envelope that is cut", "Malformed" },
        { "a blob that is cut", "Malformed" },
        { "no envelope", "Malformed" },
        { "a signing certificate of another key", "BadPublicKey" },
        { "an encryption certificate that is not SM2", "BadPublicKey" },
        { "another subject", "Malformed" },
        { "another issuer", "Malformed" },
        { "another key of the issuer", "Malformed" },
        { "the same serial number", "Malformed" },
        { "an encryption certificate that signs", "Malformed" },
        { "a signing certificate that encrypts", "Malformed" },
        { "another certificate under a serial number that is there", "Duplicate" },
        { "a container of another kind", "BadPublicKey" },
        { "no container", "NotFound" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void WhatDoesNotBelongTogether_IsRefused_AndNothingIsKept(string mistake, string refusal)
    {
        DateTimeOffset now = _desk.Clock.GetUtcNow();
        PairAnswer earlier = NewAnswer();
        earlier.ImportInto(_unlocked, Container);
        PairAnswer answer = NewAnswer();
        SubjectPublicKeyInfo encryptionKey = answer.Encryption.Tbs.SubjectPublicKeyInfo;
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = Sm2PrivateKey.Generate();
        Name stranger = Name.Create((Oids.CommonName, "李四"));
        byte[] envelope = mistake switch
        {
            "an envelope for another token" => Der.Encode(PairAnswer.Envelope(other, _desk.IssuerKey).ToSm2EnvelopedKey()),
            "an envelope whose SM4 key was changed" => Der.Encode((answer.Sealed with { Cipher = Sm2Cipher.FromRaw([.. answer.Sealed.Cipher.Raw.Span[..^1], (byte)(answer.Sealed.Cipher.Raw.Span[^1] ^ 1)]) }).ToSm2EnvelopedKey()),
            "an envelope that is cut" => answer.Der[..^1],
            "a blob that is cut" => answer.Blob[..^1],
            "no envelope" => [],
            _ => answer.Der,
        };
        Certificate signing = mistake switch
        {
            "a signing certificate of another key" => PairAnswer.Certify(_desk.IssuerKey, KeyUsage.Signing, now),
            "a signing certificate that encrypts" => PairAnswer.Certify(SigningKey, KeyUsage.Encryption, now),
            _ => answer.Signing,
        };
        Certificate encryption = mistake switch
        {
            "an encryption certificate that is not SM2" => PairAnswer.Certify(Der.Decode<SubjectPublicKeyInfo>(p256.ExportSubjectPublicKeyInfo()), KeyUsage.Encryption, now),
            "another subject" => PairAnswer.Certify(encryptionKey, KeyUsage.Encryption, now, subject: stranger),
            "another issuer" => PairAnswer.Certify(encryptionKey, KeyUsage.Encryption, now, issuer: stranger),
            "another key of the issuer" => PairAnswer.Certify(encryptionKey, KeyUsage.Encryption, now, issuerKeyId: [9]),
            "the same serial number" => PairAnswer.Certify(encryptionKey, KeyUsage.Encryption, now, serial: answer.Signing.Tbs.SerialNumber),
            "an encryption certificate that signs" => PairAnswer.Certify(encryptionKey, new KeyUsage(KeyUsages.KeyEncipherment | KeyUsages.DigitalSignature), now),
            "another certificate under a serial number that is there" => PairAnswer.Certify(encryptionKey, KeyUsage.Encryption, now, serial: earlier.Serial),
            _ => answer.Encryption,
        };
        string container = mistake switch
        {
            "a container of another kind" => "链路",
            "no container" => "无",
            _ => Container,
        };
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();

        Refused(Enum.Parse<Refusal>(refusal), () => _unlocked.ImportPair(container, signing, encryption, envelope, answer.PairId, PairAnswer.IssuerKeyId));
        Assert.Equal(before, _desk.Snapshot());
    }

    /// <summary>Bytes changed, taken away and put in, in both forms: refused, or a mismatch, or the key that was sent; never another.</summary>
    [Fact]
    public void ATamperedEnvelope_GivesTheKeyThatWasSent_OrNone()
    {
        var random = new TestRandom();
        using var recipient = Sm2PrivateKey.Generate();
        using var key = Sm2PrivateKey.Generate();
        var envelope = PairAnswer.Envelope(key, SubjectPublicKeyInfo.ForSm2(recipient.PublicKey.ToBytes()));
        byte[][] forms = [Der.Encode(envelope.ToSm2EnvelopedKey()), envelope.ToEnvelopedKeyBlob().ToBytes()];
        (int refused, int mismatches, int opened) = (0, 0, 0);
        for (int i = 0; i < (TestRandom.Long ? 200_000 : 10_000); i++)
        {
            List<byte> bytes = [.. forms[random.Next(2)]];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int at = random.Next(bytes.Count);
                switch (random.Next(8))
                {
                    case 0:
                        bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                        bytes.Add(0);
                        break;
                    case 1:
                        bytes.Insert(at, (byte)random.Next(256));
                        break;
                    default:
                        bytes[at] = (byte)random.Next(256);
                        break;
                }
            }

            try
            {
                using Sm2PrivateKey? got = DeliveredEnvelope.Parse(bytes.ToArray()).Open(recipient);
                if (got is null)
                {
                    mismatches++;
                }
                else
                {
                    opened++;
                    Assert.Equal(key.PublicKey.ToBytes(), got.PublicKey.ToBytes());
                }
            }
            catch (RefusalException e) when (e.Kind is Refusal.Malformed or Refusal.BadPublicKey)
            {
                refused++;
            }
        }

        Assert.True(refused > 1000 && mismatches > 100 && opened > 0, $"{refused} refused, {mismatches} mismatches, {opened} opened");
    }

    /// <summary>A private key is sealed with what it is for: none passes for another.</summary>
    [Fact]
    public void FilesThatChangedPlaces_DecryptNothing()
    {
        PairAnswer first = NewAnswer();
        PairAnswer second = NewAnswer();
        first.ImportInto(_unlocked, Container);
        second.ImportInto(_unlocked, Container);
        string folder = Path.Combine(_desk.Folder, "containers", Container);
        string key = Path.Combine(folder, $"encryption-{first.Serial}", "private.key");
        byte[] right = File.ReadAllBytes(key);
        foreach (string other in (string[])["signing", $"encryption-{second.Serial}"])
        {
            File.Copy(Path.Combine(folder, other, "private.key"), key, overwrite: true);
            Refused(Refusal.WrongState, () => _unlocked.Decrypt(Container, Ciphertext.Parse(first.Encrypt(Message)), first.Serial));
            Refused(Refusal.WrongState, () => first.ImportInto(_unlocked, Container));
        }

        // With the public key and the certificate to match, it would be the signing key that decrypts.
        File.WriteAllBytes(key, right);
        string planted = Path.Combine(folder, $"encryption-{first.Signing.Tbs.SerialNumber}");
        Directory.CreateDirectory(planted);
        File.Copy(Path.Combine(folder, "signing", "private.key"), Path.Combine(planted, "private.key"));
        File.Copy(Path.Combine(folder, "signing", "public.pem"), Path.Combine(planted, "public.pem"));
        _desk.WriteCertificate("signing.pem", first.Signing);
        File.Copy(_desk.File("signing.pem"), Path.Combine(planted, "certificate.pem"));
        Assert.Contains("换过", Refused(Refusal.WrongState, () => _unlocked.Decrypt(Container, Ciphertext.Parse(first.Encrypt(Message)), first.Signing.Tbs.SerialNumber)));
    }

    [Theory]
    [InlineData("certificate.pem")]
    [InlineData("public.pem")]
    public void ADamagedEncryptionPair_IsNamed_AndTheContainerStillSigns(string file)
    {
        PairAnswer answer = NewAnswer();
        answer.ImportInto(_unlocked, Container);
        string path = Path.Combine(_desk.Folder, "containers", Container, $"encryption-{answer.Serial}", file);
        File.Delete(path);

        (int exitCode, string output, _) = _desk.Run("list");
        Assert.Equal(1, exitCode);
        Assert.Contains($"encryption-{answer.Serial}", output);
        Refused(Refusal.WrongState, () => _unlocked.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message))));
        _unlocked.Sign(Container, "x"u8);
    }

    /// <summary>CMS of GM/T 0010, among other recipients.</summary>
    [Theory]
    [InlineData(Oids.Sm4Ecb)]
    [InlineData(Oids.Sm4)]
    [InlineData(Oids.Sm4Cbc)]
    public void AMessageInAnEnvelope_IsDecrypted(string algorithm)
    {
        PairAnswer answer = NewAnswer();
        PairAnswer stranger = NewAnswer();
        answer.ImportInto(_unlocked, Container);
        byte[] key = RandomNumberGenerator.GetBytes(Sm4.KeySizeInBytes);
        byte[] iv = RandomNumberGenerator.GetBytes(Sm4.BlockSizeInBytes);
        using var sm4 = new Sm4(key);
        bool cbc = algorithm == Oids.Sm4Cbc;
        byte[] content = cbc ? sm4.EncryptCbc(Message, iv, PaddingMode.PKCS7) : sm4.EncryptEcb(Message, PaddingMode.PKCS7);
        byte[] message = Seal(answer, content);

        Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(message)));
        Refused(Refusal.BadPublicKey, () => _unlocked.Decrypt(Container, Ciphertext.Parse(Seal(stranger, content))));
        Refused(Refusal.Malformed, () => _unlocked.Decrypt(Container, Ciphertext.Parse(Seal(answer, content[..^1]))));

        byte[] Seal(PairAnswer to, byte[] encrypted) => Der.Encode(ContentInfo.Of(new EnvelopedData(
            [Recipient(stranger), Recipient(to)],
            new EncryptedContentInfo(Oids.GmData, cbc ? new AlgorithmIdentifier(algorithm, (byte[])[0x04, 16, .. iv]) : new AlgorithmIdentifier(algorithm), encrypted))));

        RecipientInfo Recipient(PairAnswer to) =>
            new(new IssuerAndSerialNumber(to.Encryption.Tbs.Issuer, to.Serial), Der.Decode<Sm2Cipher>(to.Encrypt(key)));
    }

    [Fact]
    public void NoFileOfAToken_HoldsTheKeyInTheClear()
    {
        using var key = Sm2PrivateKey.Generate();
        DateTimeOffset now = _desk.Clock.GetUtcNow();
        new PairAnswer(
            PairAnswer.Certify(SigningKey, KeyUsage.Signing, now),
            PairAnswer.Certify(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), KeyUsage.Encryption, now),
            PairAnswer.Envelope(key, SigningKey)).ImportInto(_unlocked, Container);
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(d);

        Assert.All(_desk.Snapshot().Values, content => Assert.DoesNotContain(Convert.ToHexStringLower(d), content));
    }

    /// <summary>Killed before the pair has its name, and after: it is absent or whole, nothing else is harmed, and the same import ends it.</summary>
    [Theory]
    [InlineData("token.pair-written", false)]
    [InlineData("token.pair-published", true)]
    public void KilledDuringAnImport_TheTokenHasTheOldPairs_OrTheNewOneToo(string point, bool there)
    {
        PairAnswer earlier = NewAnswer();
        earlier.ImportInto(_unlocked, Container);
        PairAnswer answer = NewAnswer();
        Store(answer);

        InvalidOperationException death = Assert.Throws<InvalidOperationException>(() => ChildRun.Run(
            ["-method", $"{typeof(TokenPairTests).FullName}.{nameof(AStoredAnswer_IsImported)}"], [(FaultPoint.Variable, point), (FolderVariable, Path.GetDirectoryName(_desk.Folder)!)]));
        Assert.Contains("ended with 137", death.Message, StringComparison.Ordinal);

        _desk.Do("list");
        Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(earlier.Encrypt(Message))));
        Assert.Equal(there ? 2 : 1, _token.Container(Container).EncryptionPairs().Count);
        if (there)
        {
            Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message))));
        }

        Assert.Equal(DeliveryOutcome.Accepted, answer.ImportInto(_unlocked, Container).Receipt.Outcome);
        Assert.Equal(2, _token.Container(Container).EncryptionPairs().Count);
        Assert.Equal(answer.Signing.Tbs.SerialNumber, _token.Container(Container).Certificate!.Tbs.SerialNumber);
        Assert.Equal(Message, _unlocked.Decrypt(Container, Ciphertext.Parse(answer.Encrypt(Message))));
    }

    /// <summary>Also what the child does that is killed on the way.</summary>
    [Fact]
    public void AStoredAnswer_IsImported()
    {
        string? folder = Environment.GetEnvironmentVariable(FolderVariable);
        if (folder is null)
        {
            Store(NewAnswer());
        }

        string at = folder ?? Path.GetDirectoryName(_desk.Folder)!;
        using UnlockedToken unlocked = SoftwareToken.Open(Path.Combine(at, "token"), _desk.Clock).Unlock(TestToken.Pin);

        SignedReceipt receipt = unlocked.ImportPair(
            Container,
            Der.Decode<Certificate>(File.ReadAllBytes(Path.Combine(at, "signing.der"))),
            Der.Decode<Certificate>(File.ReadAllBytes(Path.Combine(at, "encryption.der"))),
            File.ReadAllBytes(Path.Combine(at, "envelope.der")),
            new byte[16],
            PairAnswer.IssuerKeyId);

        Assert.Equal(DeliveryOutcome.Accepted, receipt.Receipt.Outcome);
    }

    private SubjectPublicKeyInfo SigningKey => _token.Container(Container).PublicKey;

    private PairAnswer NewAnswer() => PairAnswer.For(SigningKey, _desk.Clock.GetUtcNow());

    private void Store(PairAnswer answer)
    {
        _desk.Write("signing.der", Der.Encode(answer.Signing));
        _desk.Write("encryption.der", Der.Encode(answer.Encryption));
        _desk.Write("envelope.der", answer.Der);
    }

    private static string Refused(Refusal kind, Action act)
    {
        RefusalException refused = Assert.Throws<RefusalException>(act);
        Assert.Equal(kind, refused.Kind);
        return refused.Message;
    }
}
