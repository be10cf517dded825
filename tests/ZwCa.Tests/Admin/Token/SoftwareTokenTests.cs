using System.Runtime.Versioning;
using System.Security.Cryptography;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Token;

/// <summary>The token itself: who gets in, what a changed file does, what is never lost.</summary>
public sealed class SoftwareTokenTests
{
    private const string NewPin = "another-pin-2";

    public static TheoryData<string> ForeignFiles =>
        ["token.json", "master.key", "containers/签名/signing/private.key", "containers/签名/signing/public.pem"];

    [Theory]
    [InlineData("Sm2")]
    [InlineData("P256")]
    [InlineData("Rsa2048")]
    public void AContainerSigns_AfterTheTokenWasClosedAndOpened(string kind)
    {
        using var desk = new TestToken();
        using (UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin))
        {
            unlocked.CreateContainer("a", Enum.Parse<TokenKeyKind>(kind));
        }

        byte[] message = "公文"u8.ToArray();
        var reopened = SoftwareToken.Open(desk.Folder, desk.Clock);
        using UnlockedToken again = reopened.Unlock(TestToken.Pin);

        Assert.True(Verifies(reopened.Container("a").PublicKey, message, again.Sign("a", message)));
        CertificationRequest request = again.CreateRequest("a", Name.Create((Oids.CommonName, "张三")));
        Assert.Equal(reopened.Container("a").PublicKey, request.Info.SubjectPublicKeyInfo);
        Assert.True(Verifies(request.Info.SubjectPublicKeyInfo, request.InfoBytes.ToArray(), request.Signature.ToArray()));
        Assert.Equal(kind, reopened.Container("a").Kind.ToString());
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void FilesAreTheOwnersAlone()
    {
        Requires.Condition(!OperatingSystem.IsWindows(), "file modes of Unix");
        using var desk = new TestToken();
        desk.NewOfficerContainer();

        Assert.All(
            Directory.EnumerateFiles(desk.Folder, "*", SearchOption.AllDirectories),
            path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path)));
        Assert.All(
            Directory.EnumerateDirectories(desk.Folder, "*", SearchOption.AllDirectories).Append(desk.Folder),
            path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path)));
        Assert.False(desk.Token.IsOpenToOthers);

        File.SetUnixFileMode(desk.Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(Path.Combine(desk.Folder, "master.key"), (UnixFileMode)0b110_100_000);
        Assert.True(desk.Token.IsOpenToOthers);
        Assert.Contains("chmod", desk.Run("list").Error);
    }

    [Fact]
    public void NoPrivateKeyLiesInTheClear_AndThePinIsStretched()
    {
        using var desk = new TestToken(demo: true);
        desk.NewOfficerContainer();
        using UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin);
        using Sm2PrivateKey key = Sm2KeyFile.Read(unlocked.ExportPrivateKey("签名", "export-password"), "export-password");
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(d);

        Assert.All(desk.Snapshot().Values, content => Assert.DoesNotContain(Convert.ToHexStringLower(d), content));
        EncryptedPrivateKeyInfo wrapped = Der.Decode<EncryptedPrivateKeyInfo>(File.ReadAllBytes(Path.Combine(desk.Folder, "master.key")));
        Assert.True(Der.Decode<Pbes2Parameters>(wrapped.EncryptionAlgorithm.Parameters!.Value).Iterations >= 600_000);
    }

    [Fact]
    public void AWrongPin_IsRefusedLikeADamagedKeyFile()
    {
        using var desk = new TestToken();
        string wrong = Refused(Refusal.NotAllowed, () => desk.Token.Unlock("officer-pin-2"));
        desk.Token.Unlock(TestToken.Pin).Dispose();
        string impossible = Refused(Refusal.NotAllowed, () => desk.Token.Unlock("口令"));
        desk.Token.Unlock(TestToken.Pin).Dispose();
        string path = Path.Combine(desk.Folder, "master.key");
        byte[] content = File.ReadAllBytes(path);
        content[^1] ^= 1;
        File.WriteAllBytes(path, content);
        string damaged = Refused(Refusal.NotAllowed, () => desk.Token.Unlock(TestToken.Pin));

        Assert.Contains("PIN不正确", wrong);
        Assert.Equal(wrong, impossible);
        Assert.Equal(wrong, damaged);
    }

    [Fact]
    public void AfterSixWrongPins_TheRightOneWaitsTenMinutes()
    {
        using var desk = new TestToken();
        for (int i = 0; i < PinAttempts.Max; i++)
        {
            Assert.Contains($"还可再试{PinAttempts.Max - 1 - i}次", Refused(Refusal.NotAllowed, () => desk.Token.Unlock("wrong-pin-1")));
        }

        Assert.Contains("无法强制", Refused(Refusal.TooManyRequests, () => desk.Token.Unlock(TestToken.Pin)));
        desk.Clock.Advance(PinAttempts.Delay - TimeSpan.FromSeconds(1));
        Refused(Refusal.TooManyRequests, () => desk.Token.Unlock(TestToken.Pin));
        desk.Clock.Advance(TimeSpan.FromSeconds(1));
        desk.Token.Unlock(TestToken.Pin).Dispose();
        Assert.Contains("还可再试5次", Refused(Refusal.NotAllowed, () => desk.Token.Unlock("wrong-pin-1")));
    }

    [Fact]
    public void ADamagedCounter_OrAClockSetBack_LocksNobodyOut()
    {
        using var desk = new TestToken();
        File.WriteAllText(Path.Combine(desk.Folder, "attempts"), "x");
        desk.Token.Unlock(TestToken.Pin).Dispose();

        File.WriteAllText(Path.Combine(desk.Folder, "attempts"), $"6 {desk.Clock.GetUtcNow().AddDays(400).ToUnixTimeMilliseconds()}");
        RefusalException locked = Assert.Throws<RefusalException>(() => desk.Token.Unlock(TestToken.Pin));
        Assert.True(locked.RetryAfter <= PinAttempts.Delay);
    }

    [Theory]
    [InlineData("\"demo\": true", "\"demo\": false")]
    [InlineData("张三", "李四")]
    public void WhoEditsTokenJson_IsFoundOut(string from, string to)
    {
        using var desk = new TestToken(demo: true);
        desk.NewOfficerContainer();
        string path = Path.Combine(desk.Folder, "token.json");
        string edited = File.ReadAllText(path).Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(edited, File.ReadAllText(path));
        File.WriteAllText(path, edited);

        Assert.Contains("改动", Refused(Refusal.WrongState, () => SoftwareToken.Open(desk.Folder, desk.Clock).Unlock(TestToken.Pin)));
    }

    [Fact]
    public void AnEditedDemoMark_ExportsNothing()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        using (UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin))
        {
            Refused(Refusal.NotAllowed, () => unlocked.ExportPrivateKey("签名", "export-password"));
        }

        string path = Path.Combine(desk.Folder, "token.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"demo\": false", "\"demo\": true", StringComparison.Ordinal));
        Refused(Refusal.WrongState, () => SoftwareToken.Open(desk.Folder, desk.Clock).Unlock(TestToken.Pin));
    }

    [Theory]
    [MemberData(nameof(ForeignFiles))]
    public void AFileOfAnotherToken_DoesNotPass(string file)
    {
        using var desk = new TestToken();
        using var other = new TestToken();
        desk.NewOfficerContainer();
        other.NewOfficerContainer();
        File.Copy(Path.Combine(other.Folder, file), Path.Combine(desk.Folder, file), overwrite: true);

        Assert.Throws<RefusalException>(() =>
        {
            using UnlockedToken unlocked = SoftwareToken.Open(desk.Folder, desk.Clock).Unlock(TestToken.Pin);
            unlocked.Sign("签名", "x"u8);
        });
    }

    [Fact]
    public void ContainersThatChangedPlaces_DoNotSign()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer("a");
        desk.NewOfficerContainer("b");
        string containers = Path.Combine(desk.Folder, "containers");
        Directory.Move(Path.Combine(containers, "a"), Path.Combine(containers, "c"));
        Directory.Move(Path.Combine(containers, "b"), Path.Combine(containers, "a"));

        using UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin);
        Assert.Contains("换过", Refused(Refusal.WrongState, () => unlocked.Sign("a", "x"u8)));
        Refused(Refusal.WrongState, () => unlocked.Sign("c", "x"u8));
    }

    /// <summary>Every byte of a sealed key, and a shorter file.</summary>
    [Fact]
    public void ADamagedPrivateKey_IsNeverUsed()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        string path = Path.Combine(desk.Folder, "containers/签名/signing/private.key");
        byte[] content = File.ReadAllBytes(path);
        using UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin);

        for (int i = 0; i < content.Length; i++)
        {
            byte[] changed = [.. content];
            changed[i] ^= 0x10;
            File.WriteAllBytes(path, changed);
            Refused(Refusal.WrongState, () => unlocked.Sign("签名", "x"u8));
        }

        foreach (int length in (int[])[0, 27, content.Length - 1])
        {
            File.WriteAllBytes(path, content[..length]);
            Refused(Refusal.WrongState, () => unlocked.Sign("签名", "x"u8));
        }

        File.WriteAllBytes(path, content);
        unlocked.Sign("签名", "x"u8);
    }

    [Fact]
    public void AnotherPin_OpensAll_AndTheOldOneNothing()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer("a");
        desk.NewOfficerContainer("b");
        IReadOnlyDictionary<string, string> before = desk.Snapshot();

        desk.Token.ChangePin(TestToken.Pin, NewPin);

        Refused(Refusal.NotAllowed, () => desk.Token.Unlock(TestToken.Pin));
        using UnlockedToken unlocked = desk.Token.Unlock(NewPin);
        unlocked.Sign("a", "x"u8);
        unlocked.Sign("b", "x"u8);
        Assert.Equal(["master.key"], desk.Snapshot().Where(each => before[each.Key] != each.Value).Select(each => each.Key));
    }

    /// <summary>What a crash leaves: a file beside it that is not whole, or whole and not yet in its place.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(80)]
    [InlineData(int.MaxValue)]
    public void AChangeOfPinThatWasCutShort_LeavesTheOldOneInForce(int written)
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        byte[] old = File.ReadAllBytes(Path.Combine(desk.Folder, "master.key"));
        desk.Token.ChangePin(TestToken.Pin, NewPin);
        byte[] next = File.ReadAllBytes(Path.Combine(desk.Folder, "master.key"));
        File.WriteAllBytes(Path.Combine(desk.Folder, "master.key"), old);
        File.WriteAllBytes(Path.Combine(desk.Folder, "master.key.new"), next[..Math.Min(written, next.Length)]);

        using (UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin))
        {
            unlocked.Sign("签名", "x"u8);
        }

        desk.Token.ChangePin(TestToken.Pin, NewPin);
        desk.Token.Unlock(NewPin).Dispose();
    }

    [Fact]
    public void AContainerIsNeverOverwritten_AndHalfOfOneIsNone()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        IReadOnlyDictionary<string, string> before = desk.Snapshot();
        using UnlockedToken unlocked = desk.Token.Unlock(TestToken.Pin);

        Refused(Refusal.Duplicate, () => unlocked.CreateContainer("签名", TokenKeyKind.Sm2));
        Assert.Equal(before, desk.Snapshot());

        Directory.CreateDirectory(Path.Combine(desk.Folder, "containers/.unfinished/signing"));
        Assert.Equal(["签名"], desk.Token.ContainerNames);
    }

    [Fact]
    public void ANewCertificateForTheSameKey_TakesThePlaceOfTheOld_WhichStays()
    {
        using var desk = new TestToken();
        TokenContainer container = desk.NewOfficerContainer();
        Certificate first = container.Certificate!;
        Certificate second = desk.Certify(container.PublicKey, TestToken.Clerk);

        desk.Token.ImportCertificate("签名", second);
        desk.Token.ImportCertificate("签名", second);

        Assert.Equal(second.Tbs.SerialNumber, desk.Token.Container("签名").Certificate!.Tbs.SerialNumber);
        string[] kept = Directory.GetFiles(Path.Combine(desk.Folder, "containers/签名/signing"), "certificate*.pem");
        Assert.Equal(2, kept.Length);
        Assert.Contains(Path.Combine(desk.Folder, $"containers/签名/signing/certificate-{first.Tbs.SerialNumber}.pem"), kept);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("../a")]
    [InlineData("a.b")]
    [InlineData("a b")]
    [InlineData("nul")]
    [InlineData("COM1")]
    [InlineData("a\0")]
    [InlineData("a\u202Eb")]
    [InlineData("e\u0301")]
    [InlineData("𠮷")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public void AContainerName_LeadsNowhereElse(string name)
    {
        Assert.Contains("容器名称", Refused(Refusal.Malformed, () => LabelText.RequireContainer(name)));
    }

    [Fact]
    public void AContainerName_MayBeOf64ChineseCharacters()
    {
        using var desk = new TestToken();
        string name = new('签', 64);
        desk.NewOfficerContainer(name);
        Assert.Equal([name], desk.Token.ContainerNames);
    }

    [Theory]
    [InlineData("12345")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234x")]
    [InlineData("with blank")]
    [InlineData("口令口令口令")]
    [InlineData("123456")]
    [InlineData("fedcba")]
    [InlineData("888888")]
    [InlineData("121212")]
    public void APinThatIsGuessedFirst_OrOfAnotherForm_IsRefused(string pin)
    {
        using var desk = new TestToken(make: false);
        Assert.Contains("PIN", Refused(Refusal.Malformed, () => SoftwareToken.Create(desk.Folder, "a", pin, demo: false, desk.Clock)));
        Assert.False(Directory.Exists(desk.Folder));
    }

    [Fact]
    public void ATokenIsMadeInAnEmptyFolder_AndOverNothing()
    {
        using var desk = new TestToken(make: false);
        Directory.CreateDirectory(desk.Folder);
        SoftwareToken.Create(desk.Folder, "a", TestToken.Pin, demo: false, desk.Clock);
        IReadOnlyDictionary<string, string> before = desk.Snapshot();

        Refused(Refusal.Duplicate, () => SoftwareToken.Create(desk.Folder, "b", TestToken.Pin, demo: false, desk.Clock));
        Assert.Equal(before, desk.Snapshot());
        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(desk.Folder)!));
    }

    private static bool Verifies(SubjectPublicKeyInfo key, byte[] message, byte[] signature)
    {
        if (key.TryGetSm2Key(out Sm2PublicKey? sm2))
        {
            return sm2.Verify(message, Der.Decode<Sm2Signature>(signature).Raw.Span);
        }

        if (TokenKey.KindOf(key) == TokenKeyKind.P256)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
            return ecdsa.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        return rsa.VerifyData(message, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <returns>What the officer reads: never the PIN.</returns>
    private static string Refused(Refusal kind, Action act)
    {
        RefusalException refused = Assert.Throws<RefusalException>(act);
        Assert.Equal(kind, refused.Kind);
        Assert.DoesNotContain(TestToken.Pin, refused.Message);
        return refused.Message;
    }
}
