using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Registrations;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>The nightly look at all rows: what somebody did to them past the service is found, and nothing else is.</summary>
public sealed class CheckRowsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What is done, and what is said of it.</summary>
    public static TheoryData<string, string> Changes => new()
    {
        { "UPDATE escrowed_key SET region = '000000' WHERE serial = @Serial", "its MAC is wrong" },
        { "UPDATE escrowed_key SET mac = (SELECT o.mac FROM escrowed_key o WHERE o.state = 1 LIMIT 1) WHERE serial = @Serial", "its MAC is wrong" },
        { "DELETE FROM escrowed_key WHERE serial = @Serial; INSERT INTO escrowed_key SELECT * FROM kept WHERE serial = @Serial", "it was put back as it once was" },
        {
            "DELETE FROM escrowed_key WHERE serial = @Serial; INSERT INTO escrowed_key SELECT * FROM stock WHERE key_id IN (SELECT key_id FROM key_binding WHERE serial = @Serial)",
            "it is in stock, and the log has it as bound"
        },
        { "DELETE FROM escrowed_key WHERE serial = @Serial", "it was deleted past the service" },
        { "DELETE FROM key_binding WHERE serial = @Serial", "there is no binding of it" },
        { "UPDATE key_binding SET serial = 'ab' WHERE serial = @Serial", "its binding is of another certificate" },
        { "UPDATE key_binding SET ca_id = 2 WHERE serial = @Serial", "its binding is of another certificate" },
    };

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatTheServiceDid_IsInOrder(DatabaseKind kind)
    {
        await using KmcScene scene = await KmcScene.StartAsync(kind);
        (SerialNumber kept, SerialNumber ended) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        var subscriber = new Person();
        await scene.SendAsync(scene.Story.ApplyRequest(kept, subscriber.PublicKey), scene.Story.ApplyRequest(ended, subscriber.PublicKey));
        await scene.SendAsync(RestoreKeyReq.Sm2(kept, subscriber.PublicKey));
        await scene.SendAsync(new RevokeKeyReq(ended));
        await scene.SettleAsync();
        Assert.Empty(await scene.Check.RunAsync(Token));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task WhatSomebodyElseDid_IsFound(string sql, string because)
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        await scene.RawAsync("CREATE TABLE stock AS SELECT * FROM escrowed_key");
        (SerialNumber one, SerialNumber other) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        var subscriber = new Person();
        await scene.SendAsync(scene.Story.ApplyRequest(one, subscriber.PublicKey), scene.Story.ApplyRequest(other, subscriber.PublicKey));
        await scene.RawAsync("CREATE TABLE kept AS SELECT * FROM escrowed_key");
        await scene.SendAsync(new RevokeKeyReq(one));
        await scene.SettleAsync();
        Assert.Empty(await scene.Check.RunAsync(Token));

        byte[] keyId = (await scene.Database.FindAsync<byte[]>("SELECT key_id FROM key_binding WHERE serial = @Serial", new { Serial = one.ToString() }, Token))!;
        await FreeBindingsAsync(scene);
        foreach (string statement in sql.Split(';'))
        {
            await scene.RawAsync(statement, new { Serial = one.ToString() });
        }

        RowFinding finding = Assert.Single(await scene.Check.RunAsync(Token));
        Assert.Equal(new AuditObject("key", Convert.ToHexStringLower(keyId)), finding.Object);
        Assert.Contains(because, finding.Detail, StringComparison.Ordinal);
    }

    /// <summary>Two keys, each under the other's certificate.</summary>
    [Fact]
    public async Task SwappedBindings_AreFound()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        (SerialNumber one, SerialNumber other) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        await scene.SendAsync(scene.Story.ApplyRequest(one, new Person().PublicKey), scene.Story.ApplyRequest(other, new Person().PublicKey));
        await scene.SettleAsync();
        await SwapBindingsAsync(scene, one, other);
        IReadOnlyList<RowFinding> found = await scene.Check.RunAsync(Token);
        Assert.Equal(2, found.Count);
        Assert.All(found, finding => Assert.Contains("its binding is of another certificate", finding.Detail, StringComparison.Ordinal));
    }

    /// <summary>What is done to the first CA, and what is said of it.</summary>
    public static TheoryData<string, string> CaChanges => new()
    {
        { "UPDATE served_ca SET state = 1 WHERE ca_id = 1", "it is Served, and the log has it as Frozen" },
        { "UPDATE served_ca SET link_name = 'another' WHERE ca_id = 1", "its link is another" },
        { "UPDATE served_ca SET key_hash = zeroblob(32) WHERE ca_id = 1", "its message certificate or key is another" },
        { "UPDATE served_ca SET certificate = zeroblob(32) WHERE ca_id = 1", "its message certificate or key is another" },
        { "UPDATE served_ca SET signed_part = 2 WHERE ca_id = 1", "its switches are others" },
        { "UPDATE served_ca SET signature_form = 2 WHERE ca_id = 1", "its switches are others" },
    };

    [Theory]
    [MemberData(nameof(CaChanges))]
    public async Task ACaThatSomebodyElseChanged_IsFound(string sql, string because)
    {
        await using KmcScene scene = await FrozenAsync();
        await scene.RawAsync(sql);
        RowFinding finding = Assert.Single(await scene.Check.RunAsync(Token), found => found.Detail.Contains(because, StringComparison.Ordinal));
        Assert.Equal(new AuditObject("ca", scene.Story.Ca.Name), finding.Object);
    }

    [Fact]
    public async Task ACaThatWasRenamed_IsFoundAsBoth_AndItsKeysToo()
    {
        await using KmcScene scene = await FrozenAsync();
        await scene.SendAsync(scene.Story.Message(scene.Story.OtherCa, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]), KmcScene.OtherLink);
        await scene.SettleAsync();
        await scene.RawAsync("UPDATE served_ca SET name = 'another' WHERE ca_id = 2");
        Assert.Equal(["ca", "key", "served_ca"], (await scene.Check.RunAsync(Token)).Select(finding => finding.Object.Kind).Order(StringComparer.Ordinal));
    }

    /// <summary>Whoever writes to the database needs no foreign keys and no triggers.</summary>
    internal static async Task FreeBindingsAsync(KmcScene scene)
    {
        foreach (string statement in (string[])["CREATE TABLE free AS SELECT * FROM key_binding", "DROP TABLE key_binding", "ALTER TABLE free RENAME TO key_binding", "DELETE FROM delivered_key"])
        {
            await scene.RawAsync(statement);
        }
    }

    internal static async Task SwapBindingsAsync(KmcScene scene, SerialNumber one, SerialNumber other)
    {
        await FreeBindingsAsync(scene);
        await scene.RawAsync(
            "UPDATE key_binding SET serial = CASE serial WHEN @One THEN @Other ELSE @One END WHERE serial IN (@One, @Other)", new { One = one.ToString(), Other = other.ToString() });
    }

    /// <summary>With its first CA frozen by an officer.</summary>
    private static async Task<KmcScene> FrozenAsync()
    {
        KmcScene scene = await KmcScene.StartAsync();
        await scene.RawAsync("UPDATE served_ca SET state = 2 WHERE ca_id = 1");
        await scene.Database.WriteAsync(
            transaction => new AuditLog(TimeProvider.System).AppendAsync(
                transaction, new AuditEvent(new AuditActor(AuditActorKind.Officer, "05"), CaActions.Freeze, new AuditObject("ca", scene.Story.Ca.Name), AuditOutcome.Done)),
            Token);
        await scene.SettleAsync();
        Assert.Empty(await scene.Check.RunAsync(Token));
        return scene;
    }
}
