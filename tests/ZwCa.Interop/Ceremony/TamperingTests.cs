using System.Text;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Tests;

namespace ZwCa.Interop.Ceremony;

/// <summary>After any change of the output verify is red.</summary>
[Collection(nameof(DocsCeremony))]
public sealed class TamperingTests(DocsCeremony docs)
{
    private readonly TestRandom _random = new();

    /// <summary>ZWCA_LONG=1: every byte.</summary>
    [Fact]
    public void OneByteInAnyFile()
    {
        foreach (string file in new CeremonyFolder(docs.Output).Files())
        {
            string path = Path.Combine(docs.Output, file);
            byte[] bytes = File.ReadAllBytes(path);
            IEnumerable<int> offsets = TestRandom.Long ? Enumerable.Range(0, bytes.Length) : [_random.Next(bytes.Length), bytes.Length - 1];
            foreach (int offset in offsets)
            {
                byte old = bytes[offset];
                bytes[offset] ^= (byte)(1 << _random.Next(8));
                File.WriteAllBytes(path, bytes);
                IReadOnlyList<string> faults = CeremonyVerification.Check(docs.Output).Faults;
                bytes[offset] = old;
                File.WriteAllBytes(path, bytes);
                Assert.True(faults.Count > 0, $"{file} at {offset}");
            }
        }

        Assert.Empty(CeremonyVerification.Check(docs.Output).Faults);
    }

    [Fact]
    public void AFileAddedRemovedOrRenamed()
    {
        IReadOnlyList<string> all = new CeremonyFolder(docs.Output).Files();
        foreach (string file in TestRandom.Long ? all : all.Where((_, i) => (i + _random.Next(3)) % 3 == 0))
        {
            string path = Path.Combine(docs.Output, file);
            string aside = path + "x";
            File.Move(path, aside);
            Assert.NotEmpty(CeremonyVerification.Check(docs.Output).Faults);
            File.Move(aside, path);

            // Two signatures of three witnesses are enough: that of the third may be missing.
            if (!CeremonyFolder.IsIn(file, CeremonyFolder.SignatureFolder))
            {
                string outside = Path.Combine(docs.Stage.Path, "outside");
                File.Move(path, outside);
                Assert.NotEmpty(CeremonyVerification.Check(docs.Output).Faults);
                File.Move(outside, path);
            }
        }

        foreach (string added in (string[])["extra", "trust/extra.pem", "inputs/extra", "policy/kmc-extra.sig", "signatures/extra.sig", ".hidden", "basis/transcript.json"])
        {
            string path = Path.Combine(docs.Output, added);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "x");
            Assert.NotEmpty(CeremonyVerification.Check(docs.Output).Faults);
            File.Delete(path);
        }

        Assert.Empty(CeremonyVerification.Check(docs.Output).Faults);
    }

    [Fact]
    public void ALinkInTheFolder()
    {
        string link = Path.Combine(docs.Output, "trust", "link.pem");
        File.CreateSymbolicLink(link, "/etc/hostname");
        try
        {
            Assert.Contains("link", Assert.Single(CeremonyVerification.Check(docs.Output).Faults));
        }
        finally
        {
            File.Delete(link);
        }
    }

    [Fact]
    public void OneSignatureTooFew_AndThatOfSomebodyElse()
    {
        using var copy = new Copy(docs.Output);
        File.Delete(copy.File("signatures/公证员.sig"));
        Assert.Empty(CeremonyVerification.Check(copy.Path).Faults);
        using var stranger = Sm2PrivateKey.Generate();
        File.WriteAllBytes(copy.File("signatures/审计代表.sig"), Der.Encode(StatementSignature.Create(File.ReadAllBytes(copy.File("transcript.json")), stranger)));

        IReadOnlyList<string> faults = CeremonyVerification.Check(copy.Path).Faults;

        Assert.Contains(faults, fault => fault.Contains("审计代表 does not hold", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("zwca token sign", StringComparison.Ordinal));
    }

    /// <summary>Consistent to the last hash, but the witnesses did not sign it.</summary>
    [Fact]
    public void WhoCannotSign_CannotRewriteIt()
    {
        using var copy = new Copy(docs.Output);
        string plan = File.ReadAllText(copy.File("plan.json"));
        File.WriteAllText(copy.File("plan.json"), plan.Replace("pki.zwca.example", "pki.evil.example", StringComparison.Ordinal));
        Transcript transcript = Transcript.Read(File.ReadAllBytes(copy.File("transcript.json")));
        string hash = Convert.ToHexStringLower(Sm3.HashData(File.ReadAllBytes(copy.File("plan.json"))));
        File.WriteAllBytes(copy.File("transcript.json"), (transcript with { Plan = hash, Files = Transcript.FilesOf(new CeremonyFolder(copy.Path)) }).Write());

        Assert.Contains(CeremonyVerification.Check(copy.Path).Faults, fault => fault.EndsWith("does not hold.", StringComparison.Ordinal));
    }

    /// <summary>The witnesses signed something else than what follows from plan and journal: they were deceived, or they are in it.</summary>
    [Theory]
    [MemberData(nameof(Forgeries))]
    public void WhatTheWitnessesSigned_StillHasToHoldTogether(string what, string expected)
    {
        using var copy = new Copy(docs.Output);

        docs.Stage.Forge(copy.Path, () => Forge(copy, what));

        IReadOnlyList<string> faults = CeremonyVerification.Check(copy.Path).Faults;
        Assert.Contains(faults, fault => fault.Contains(expected, StringComparison.Ordinal));
    }

    public static TheoryData<string, string> Forgeries => new()
    {
        { "a file that no plan makes", "no ceremony by this plan makes" },
        { "a CRL of another issuer", "is not the CRL" },
        { "a certificate of another", "is not the one" },
        { "another plan", "The plan is not the one of the transcript." },
        { "the journal without its last line", "The journal" },
        { "a line of the journal changed", "is not the one that was written" },
        { "another label in the inventory", "The inventory is not what follows" },
        { "an older policy", "The policy of kmc" },
        { "no policy signature", "signatures of 0 holders" },
    };

    private static void Forge(Copy copy, string what)
    {
        switch (what)
        {
            case "a file that no plan makes":
                File.WriteAllText(copy.File("trust/another.pem"), "x");
                break;
            case "a CRL of another issuer":
                File.Copy(copy.File("crl/ops-s1.crl"), copy.File("crl/issuing-s1.crl"), overwrite: true);
                break;
            case "a certificate of another":
                File.Copy(copy.File("ca/ops-s1.pem"), copy.File("ca/issuing-s1.pem"), overwrite: true);
                break;
            case "another plan":
                File.AppendAllText(copy.File("plan.json"), "\n");
                break;
            case "the journal without its last line":
                string[] lines = File.ReadAllLines(copy.File("journal.jsonl"));
                File.WriteAllText(copy.File("journal.jsonl"), string.Concat(lines[..^1].Select(line => line + "\n")));
                break;
            case "a line of the journal changed":
                Replace(copy.File("journal.jsonl"), "\"what\":\"key-intent\",\"id\":\"root-s1\"", "\"what\":\"key-intent\",\"id\":\"root-s2\"");
                break;
            case "another label in the inventory":
                Replace(copy.File("inventory.json"), "\"label\": \"issuing-s1\"", "\"label\": \"issuing-s2\"");
                break;
            case "an older policy":
                PartitionPolicy policy = Der.Decode<PartitionPolicy>(File.ReadAllBytes(copy.File("policy/kmc.der")));
                File.WriteAllBytes(copy.File("policy/kmc.der"), Der.Encode(new PartitionPolicy(policy.Partition, policy.Version, policy.Clients, policy.AllowSm2Decrypt, [], [], null)));
                break;
            case "no policy signature":
                File.Delete(copy.File("policy/kmc-holder0.sig"));
                File.Delete(copy.File("policy/kmc-holder1.sig"));
                break;
            default:
                Assert.Fail(what);
                break;
        }
    }

    private static void Replace(string file, string old, string other)
    {
        string text = File.ReadAllText(file);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(old, other, StringComparison.Ordinal), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    private sealed class Copy : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Copy(string output)
        {
            foreach (string file in new CeremonyFolder(output).Files())
            {
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(file))!);
                System.IO.File.Copy(System.IO.Path.Combine(output, file), File(file));
            }
        }

        public string Path => _folder.Path;

        public string File(string file) => _folder.File(file);

        public void Dispose() => _folder.Dispose();
    }
}
