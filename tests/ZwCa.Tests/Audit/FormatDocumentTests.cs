using System.Globalization;
using System.Text.RegularExpressions;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Tree;
using ZwCa.Cryptography;
using ZwCa.Tests.Architecture;
using ZwCa.Tests.Asn1.Audit;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Audit;

/// <summary>The worked example of docs/AUDIT-FORMAT.md is what the code makes; its signatures, which are random, verify.</summary>
public sealed partial class FormatDocumentTests
{
    private const string Person = "张三";

    private static readonly SubjectPublicKeyInfo Key = CustodySamples.PublicKey(1);
    private static readonly byte[] Salt = [.. Enumerable.Range(0xA0, 16).Select(i => (byte)i)];

    private static readonly byte[][] Leaves = [.. Enumerable.Range(0, 7).Select(i => Der.Encode(Leaf(i)))];

    [Fact]
    public void The_worked_example_is_what_the_code_makes()
    {
        string document = File.ReadAllText(Path.Combine(RepositoryTree.Root, "docs", "AUDIT-FORMAT.md"));
        Dictionary<string, string> written = Example().Matches(document).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        string made = string.Join('\n', Made().Select(each => $"{each.Name} = {Convert.ToHexStringLower(each.Bytes)}"));
        foreach ((string name, byte[] expected) in Made())
        {
            Assert.True(written.TryGetValue(name, out string? hex), $"The document lacks {name}. The whole example:\n{made}");
            Assert.True(
                name.StartsWith("checkpoint", StringComparison.Ordinal) || hex == Convert.ToHexStringLower(expected),
                $"The document has another {name}. The whole example:\n{made}");
        }

        Checkpoint Read(string name) => Der.Decode<Checkpoint>(Convert.FromHexString(written[name]));
        var verifier = new AuditVerifier(AuditSamples.Origin, Key);
        (Checkpoint three, Checkpoint seven) = (Read("checkpoint3"), Read("checkpoint7"));
        Assert.Equal(Der.Encode(Tbs(3)), three.TbsBytes.ToArray());
        Assert.Equal(Der.Encode(Tbs(7)), seven.TbsBytes.ToArray());
        var inclusion = Der.Decode<InclusionProof>(Convert.FromHexString(written["inclusion"]));
        AuditLeaf leaf = verifier.VerifyInclusion(Convert.FromHexString(written["leaf5"]), inclusion, seven);
        verifier.VerifyPersonal(leaf, "name", Salt, Person);
        verifier.VerifyConsistency(three, seven, Der.Decode<ConsistencyProof>(Convert.FromHexString(written["consistency"])));
    }

    private static AuditLeaf Leaf(int i)
    {
        byte[] id = new byte[16];
        DateTimeOffset time = AuditSamples.Time.AddSeconds(i);
        Convert.FromHexString(time.ToUnixTimeMilliseconds().ToString("x12", CultureInfo.InvariantCulture)).CopyTo(id, 0);
        id[15] = (byte)i;
        return new AuditLeaf(
            id,
            time,
            new AuditActor(AuditActorKind.Officer, "7f01"),
            "certificate.issue",
            new AuditObject("certificate", $"1a2b{i}"),
            AuditOutcome.Done,
            [
                new AuditField.Text("profile", "机构双证"),
                new AuditField.Number("days", 365),
                new AuditField.Octets("csr", Sm3.HashData([(byte)i])),
                new AuditField.Masked("name", Sm3.HashData([.. Salt, .. System.Text.Encoding.UTF8.GetBytes(Person)])),
            ]);
    }

    private static TbsCheckpoint Tbs(int size) => new(
        AuditSamples.Origin, 0, size, Root(size), AuditSamples.Time.AddMinutes(size), Checkpoint.KeyIdOf(Key));

    private static byte[] Root(int size) => Hash(new LeafRange(0, size));

    private static byte[] Hash(LeafRange range) => NaiveTree.Hash([.. Leaves.Select(leaf => MerkleHash.Leaf(leaf))], range);

    private static IEnumerable<(string Name, byte[] Bytes)> Made()
    {
        yield return ("key", Der.Encode(Key));
        yield return ("keyId", Checkpoint.KeyIdOf(Key));
        for (int i = 0; i < Leaves.Length; i++)
        {
            yield return ($"leaf{i}", Leaves[i]);
            yield return ($"leafHash{i}", MerkleHash.Leaf(Leaves[i]));
        }

        yield return ("root3", Root(3));
        yield return ("root7", Root(7));
        yield return ("checkpoint3", Der.Encode(AuditSamples.Sign(Tbs(3), 1)));
        yield return ("checkpoint7", Der.Encode(AuditSamples.Sign(Tbs(7), 1)));
        yield return ("inclusion", Der.Encode(new InclusionProof(5, 7, [.. MerkleTree.InclusionPath(5, 7).Select(range => (ReadOnlyMemory<byte>)Hash(range))])));
        yield return ("consistency", Der.Encode(new ConsistencyProof(3, 7, [.. MerkleTree.ConsistencyPath(3, 7).Select(range => (ReadOnlyMemory<byte>)Hash(range))])));
        yield return ("salt", Salt);
    }

    [GeneratedRegex("^([A-Za-z0-9]+) = ([0-9a-f]+)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Example();
}
