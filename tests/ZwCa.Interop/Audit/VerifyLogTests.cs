using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using static ZwCa.Interop.Audit.Forgery;

namespace ZwCa.Interop.Audit;

/// <summary>
/// Somebody who has only docs/AUDIT-FORMAT.md, Python and openssl verifies what this log proves, and is not taken in by anything else.
/// </summary>
public sealed class VerifyLogTests(LoggedEvents log) : IClassFixture<LoggedEvents>
{
    private const int Index = 13;
    private const int Size = 33;
    private const int First = 7;
    private const int PathLength = 6;

    private const string NotTheRoot = "the path does not lead to the checkpoint's root";
    private const string NotSigned = "its signature does not verify";
    private const string OtherSize = "the proof is for another size of the log";
    private const string Early = "the data end too early";
    private const string OutOfRange = "a number is out of its range";
    private const string BadUsage = "usage: ";

    private static readonly string Override = Convert.ToHexStringLower(Der.Encode(new LogOverride(new byte[32], 40, new byte[32])));

    private static readonly Dictionary<string, (Func<Evidence, LoggedEvents, Evidence> Change, string Reason)> Table = new()
    {
        ["a bit of the leaf"] = (Leaf(leaf => Flip(leaf, 60)), NotTheRoot),
        ["the last bits of the leaf"] = (Leaf(leaf => Flip(leaf, leaf.Length - 1)), NotTheRoot),
        ["the leaf of another place"] = ((shown, log) => shown with { Leaf = log.Leaf(Index + 1) }, NotTheRoot),
        ["a leaf without its last byte"] = (Leaf(leaf => leaf[..^1]), NotTheRoot),
        ["a leaf with a byte more"] = (Leaf(leaf => [.. leaf, 0]), NotTheRoot),
        ["no leaf"] = (Leaf(_ => []), NotTheRoot),
        ["a leaf too large to be one"] = (Leaf(_ => new byte[332_638]), "it is too large"),

        ["the index before"] = (Proof(proof => Change(proof, index: Index - 1)), NotTheRoot),
        ["an index with a shorter path"] = (Proof(proof => Change(proof, index: Size - 1)), "the path is too long"),
        ["an index beyond the tree"] = (Proof(proof => Replace(proof, "02010d020121", "020121020121")), "in the wrong order"),
        ["a negative index"] = (Proof(proof => Replace(proof, "02010d", "02018d")), OutOfRange),
        ["another size"] = (Proof(proof => Change(proof, size: Size + 1)), OtherSize),
        ["no path"] = (Proof(proof => Change(proof, path: _ => [])), "the path is too short"),
        ["a step more"] = (Proof(proof => Change(proof, path: path => [.. path, path[0]])), "the path is too long"),
        ["a step that is no hash"] = (Proof(proof => Replace(proof, "0420", "041f")), "wrong size"),
        ["65 steps"] = (Proof(_ => LongProof()), "its path is too long"),
        ["half a proof"] = (Proof(proof => proof[..(proof.Length / 2)]), Early),
        ["a proof without its last byte"] = (Proof(proof => proof[..^1]), Early),
        ["a proof with a byte more"] = (Proof(proof => [.. proof, 0]), "there is something after the end"),
        ["no proof"] = (Proof(_ => []), Early),
        ["a proof of another kind"] = (Proof(proof => Replace(proof, "cb4c0303", "cb4c0304")), "it is another structure"),
        ["a length with a byte too many"] = (Proof(proof => [0x30, 0x82, 0, .. proof[2..]]), "a length is not DER"),
        ["an indefinite length"] = (Proof(proof => [0x30, 0x80, .. proof[3..], 0, 0]), "a length is not DER"),

        ["a bit of the root"] = (Checkpoint((bytes, tbs) => FlipWithin(bytes, tbs.RootHash.Span)), NotSigned),
        ["a bit of the log's name"] = (Checkpoint((bytes, _) => FlipWithin(bytes, "zwca"u8)), NotSigned),
        ["a bit of the key's name"] = (Checkpoint((bytes, tbs) => FlipWithin(bytes, tbs.KeyId.Span)), "it names another key"),
        ["a bit of the signature"] = (Checkpoint((bytes, _) => Flip(bytes, bytes.Length - 1)), NotSigned),
        ["a signature of zeros"] = (Checkpoint((bytes, tbs) => Sequence([.. Der.Encode(tbs), 0x30, 6, 2, 1, 0, 2, 1, 0])), OutOfRange),
        ["another checkpoint's signature"] = (
            (shown, log) => shown with
            {
                Checkpoint = Sequence([.. log.Checkpoint(Size).TbsBytes.Span, .. Der.Encode(log.Checkpoint(First).Signature)]),
            },
            NotSigned),
        ["a checkpoint of another size"] = ((shown, log) => shown with { Checkpoint = Der.Encode(log.Checkpoint(8)) }, OtherSize),
        ["half a checkpoint"] = (Checkpoint((bytes, _) => bytes[..(bytes.Length / 2)]), Early),
        ["a checkpoint without its last byte"] = (Checkpoint((bytes, _) => bytes[..^1]), Early),
        ["a checkpoint with a byte more"] = (Checkpoint((bytes, _) => [.. bytes, 0]), "there is something after the end"),
        ["no checkpoint"] = (Checkpoint((_, _) => []), Early),
        ["another log's key"] = ((shown, log) => shown with { Key = log.OtherKey }, "it names another key"),
        ["another log"] = ((shown, _) => shown with { Options = ["--origin", "zwca/other"] }, "it is of another log"),
    };

    private static readonly Dictionary<string, (Func<Evidence, LoggedEvents, Evidence> Change, string Reason)> EarlierTable = new()
    {
        ["the proof from another checkpoint"] = (
            (shown, log) => shown with { Consistency = (Der.Encode(log.Checkpoint(8)), shown.Consistency!.Value.Proof) },
            "for other sizes of the log"),
        ["a bit of the earlier root"] = (
            (shown, log) => shown with
            {
                Consistency = (FlipWithin(shown.Consistency!.Value.First, log.Checkpoint(First).Tbs.RootHash.Span), shown.Consistency.Value.Proof),
            },
            NotSigned),
        ["a bit of the first step from there"] = (Consistency(proof => Flip(proof, 45)), "does not lead to the first checkpoint's root"),
        ["a bit of the last step from there"] = (
            Consistency(proof => Flip(proof, proof.Length - 1)), "does not lead to the second checkpoint's root"),
        ["half the proof from there"] = (Consistency(proof => proof[..(proof.Length / 2)]), Early),
    };

    /// <summary>Of a leaf that the log's own key vouches for: what stands there, what stands there instead, and what is said of it.</summary>
    public static TheoryData<string, string, string> BadLeaves => new()
    {
        { "cb4c0301", "cb4c0302", "it is another structure" },
        { "020101", "020102", OutOfRange },
        { "020101", "02020001", "a number is not DER" },
        { "0410", "040f", "an octet string has the wrong size" },
        { "020601", "020681", OutOfRange },
        { "0a0100", "0a0104", OutOfRange },
        { "0a0100", "020100", "tag 02 where 0a belongs" },
        { "0202016d", "0202006d", "a number is not DER" },
        { "0c0464617973", "0c046e616d65", "a field comes twice" },
        { "e69cba", "e280ae", "a text has a control character" },
        { "e69cba", "0a6161", "a text has a control character" },
        { "e69cba", "65cc81", "a text is not NFC" },
        { "e69cba", "efbfbe", "a text has a noncharacter" },
        { "e69cba", "eda080", "a text is not UTF-8" },
        // After the name of the value, idNumber: anywhere else these may be among random bytes.
        { "69644e756d6265728020", "69644e756d626572a020", "tag a0 where 04 belongs" },
        { "", "0500", "there is something after the end" },
    };

    /// <summary>Of a checkpoint that the log's own key signed.</summary>
    public static TheoryData<string, string, string> BadCheckpoints => new()
    {
        { "cb4c0302", "cb4c0301", "it is another structure" },
        { "020100", "0201ff", OutOfRange },
        { "020121", "020100", "its root is not that of a log without leaves" },
        { "7a776361", "7a770061", "a text has a control character" },
        { "020121", "0101ff", "tag 01 where 02 belongs" },
        { "", Override, "it has an override in epoch 0" },
        { "", "0500", "it has an override in epoch 0" },
    };

    public static TheoryData<string> Forgeries => [.. Table.Keys];

    public static TheoryData<string> EarlierForgeries => [.. EarlierTable.Keys];

    public static TheoryData<int> Sizes => [.. LoggedEvents.Sizes];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Every_event_is_proven_at_every_size_and_every_log_goes_on_from_the_ones_before(int size)
    {
        using var script = new LogScript();
        string checkpoint = script.Write("checkpoint.der", Der.Encode(log.Checkpoint(size)));
        string key = script.Write("key.pem", log.Key);
        var files = new List<string>();
        for (int i = 0; i < size; i++)
        {
            files.Add(script.Write($"{i}.leaf", log.Leaf(i)));
            files.Add(script.Write($"{i}.proof", Der.Encode(await log.ProveAsync(i, size))));
        }

        LogScript.Verdict verdict = script.Run([checkpoint, key, .. files, "--origin", LoggedEvents.Origin]);

        verdict.Holds($"checkpoint of {LoggedEvents.Origin}: epoch 0, {size} leaves");
        Assert.All(Enumerable.Range(0, size), i => Assert.Contains($"leaf {i}: ", verdict.Output, StringComparison.Ordinal));
        foreach (int first in LoggedEvents.Sizes.Where(each => each < size))
        {
            string earlier = script.Write("first.der", Der.Encode(log.Checkpoint(first)));
            string consistency = script.Write("consistency.der", Der.Encode(await log.ProveConsistencyAsync(first, size)));

            script.Run([checkpoint, key, .. files.Take(2), "--consistency", earlier, consistency]).Holds($"it goes on from the {first} leaves");
        }
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task What_was_changed_is_refused(string forgery)
    {
        (Func<Evidence, LoggedEvents, Evidence> change, string reason) = Table[forgery];
        using var script = new LogScript();

        script.Judge(change(await ShowAsync(), log)).Fails(1, reason);
    }

    [Theory]
    [MemberData(nameof(EarlierForgeries))]
    public async Task What_was_changed_of_an_earlier_log_is_refused(string forgery)
    {
        (Func<Evidence, LoggedEvents, Evidence> change, string reason) = EarlierTable[forgery];
        using var script = new LogScript();

        script.Judge(change(await ShowMoreAsync(), log)).Fails(1, reason);
    }

    [Fact]
    public async Task What_was_not_changed_is_not_refused()
    {
        using var script = new LogScript();

        script.Judge(await ShowMoreAsync()).Holds($"leaf {Index}: ");
    }

    [Fact]
    public async Task Each_step_of_the_path_counts()
    {
        using var script = new LogScript();
        Evidence shown = await ShowAsync();
        Assert.Equal(PathLength, Der.Decode<InclusionProof>(shown.Proof).Path.Count);
        for (int step = 0; step < PathLength; step++)
        {
            byte[] changed = Change(shown.Proof, path: path => [.. path.Take(step), Flip(path[step].Span, 31 - step), .. path.Skip(step + 1)]);

            script.Judge(shown with { Proof = changed }).Fails(1, NotTheRoot);
        }
    }

    [Theory]
    [MemberData(nameof(BadLeaves))]
    public async Task A_leaf_that_is_no_event_is_refused_even_where_it_is_in_the_log(string from, string to, string reason)
    {
        using var script = new LogScript();

        script.Judge(await log.AloneAsync(Replace(log.Leaf(Index), from, to))).Fails(1, reason);
    }

    [Theory]
    [MemberData(nameof(BadCheckpoints))]
    public async Task A_checkpoint_of_another_form_is_refused_even_where_the_log_signed_it(string from, string to, string reason)
    {
        using var script = new LogScript();
        byte[] tbs = Replace(log.Checkpoint(Size).TbsBytes.ToArray(), from, to);

        script.Judge(await ShowAsync() with { Checkpoint = await log.SignAsync(tbs) }).Fails(1, reason);
    }

    [Fact]
    public async Task A_log_that_contradicts_its_earlier_checkpoint_is_refused()
    {
        using var script = new LogScript();
        Evidence shown = await ShowMoreAsync();
        (TbsCheckpoint first, TbsCheckpoint last) = (log.Checkpoint(First).Tbs, log.Checkpoint(Size).Tbs);
        DateTimeOffset later = last.Time.AddSeconds(1);
        TbsCheckpoint Of(string origin, long epoch, long size, ReadOnlyMemory<byte> root, DateTimeOffset time) =>
            new(origin, epoch, size, root, time, last.KeyId);
        async Task<LogScript.Verdict> JudgeAsync(TbsCheckpoint earlier, byte[] proof) =>
            script.Judge(shown with { Consistency = (await log.SignAsync(Der.Encode(earlier)), proof) });
        byte[] proof = shown.Consistency!.Value.Proof;
        byte[] same = Der.Encode(new ConsistencyProof(Size, Size, []));

        (await JudgeAsync(Of(LoggedEvents.Origin, 0, First, new byte[32], first.Time), proof)).Fails(1, "the first checkpoint's root");
        (await JudgeAsync(Of(LoggedEvents.Origin, 0, Size, first.RootHash, first.Time), same)).Fails(1, "two roots for one size");
        (await JudgeAsync(Of(LoggedEvents.Origin, 0, First, first.RootHash, later), proof)).Fails(1, "the smaller log is the younger one");
        (await JudgeAsync(Of(LoggedEvents.Origin, 1, First, first.RootHash, first.Time), proof)).Fails(1, "the log was set back");
        (await JudgeAsync(Of("zwca/other", 0, First, first.RootHash, first.Time), proof)).Fails(1, "of different logs");
        (await JudgeAsync(Of(LoggedEvents.Origin, 0, Size, last.RootHash, later), same)).Holds("it goes on from the 33 leaves");
    }

    [Fact]
    public async Task A_personal_value_is_the_one_that_was_recorded()
    {
        using var script = new LogScript();
        Evidence shown = await ShowAsync();
        string salt = await log.GetSaltAsync(Index);
        LogScript.Verdict Judge(params string[] personal) => script.Judge(shown with { Options = ["--personal", .. personal] });

        Judge("name", salt, LoggedEvents.Person).Holds("the masked field name has the value given");
        script.Run(["checkpoint.der", "key.pem", "leaf.der", "proof.der", "--personal", "name", salt, "-"], LoggedEvents.Person)
            .Holds("the masked field name has the value given");
        Judge("name", salt, "李四").Fails(1, "the value of name is another");
        Judge("name", salt, LoggedEvents.Person + " ").Fails(1, "the value of name is another");
        Judge("name", await log.GetSaltAsync(Index + 1), LoggedEvents.Person).Fails(1, "the value of name is another");
        Judge("idNumber", salt, LoggedEvents.Person).Fails(1, "the value of idNumber is another");
        Judge("profile", salt, "机构双证").Fails(1, "it has no masked field profile");
        Judge("name", salt[2..], LoggedEvents.Person).Fails(2, BadUsage);
    }

    [Fact]
    public async Task What_cannot_be_checked_is_told_from_what_does_not_hold()
    {
        using var script = new LogScript();
        Evidence shown = await ShowAsync();

        script.Judge(shown with { Key = shown.Leaf }).Fails(2, "key.pem: not the PEM of an SM2 public key");
        script.Judge(shown with { Key = [.. shown.Key, .. shown.Key] }).Fails(2, "key.pem: not the PEM of an SM2 public key");
        script.Judge(shown).Holds("leaf");
        script.Run(["checkpoint.der", "key.pem", "leaf.der", "other.der"]).Fails(2, "other.der: No such file");
        script.Run(["checkpoint.der", "key.pem", "leaf.der"]).Fails(2, BadUsage);
        script.Run(["checkpoint.der"]).Fails(2, BadUsage);
        script.Run(["--help"]).Holds("Exit codes: 0 all holds");
    }

    private static Func<Evidence, LoggedEvents, Evidence> Leaf(Func<byte[], byte[]> change) =>
        (shown, _) => shown with { Leaf = change(shown.Leaf) };

    private static Func<Evidence, LoggedEvents, Evidence> Proof(Func<byte[], byte[]> change) =>
        (shown, _) => shown with { Proof = change(shown.Proof) };

    private static Func<Evidence, LoggedEvents, Evidence> Checkpoint(Func<byte[], TbsCheckpoint, byte[]> change) =>
        (shown, log) => shown with { Checkpoint = change(shown.Checkpoint, log.Checkpoint(Size).Tbs) };

    private static Func<Evidence, LoggedEvents, Evidence> Consistency(Func<byte[], byte[]> change) =>
        (shown, _) => shown with { Consistency = (shown.Consistency!.Value.First, change(shown.Consistency.Value.Proof)) };

    private static byte[] LongProof()
    {
        byte[] empty = Der.Encode(new InclusionProof(Index, Size, []));
        byte[] path = [.. Enumerable.Repeat<byte[]>([4, 32, .. new byte[32]], 65).SelectMany(each => each)];
        return Replace(empty, "3000", Convert.ToHexStringLower(Sequence(path)));
    }

    private async Task<Evidence> ShowAsync() =>
        new(Der.Encode(log.Checkpoint(Size)), log.Key, log.Leaf(Index), Der.Encode(await log.ProveAsync(Index, Size)));

    /// <summary>And that the log goes on from an earlier one.</summary>
    private async Task<Evidence> ShowMoreAsync() =>
        await ShowAsync() with { Consistency = (Der.Encode(log.Checkpoint(First)), Der.Encode(await log.ProveConsistencyAsync(First, Size))) };
}
