using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>What may go wrong before a CRL leaves: each time nothing leaves, the old one is served, and everybody is told why; and when the cause is gone, the next one passes.</summary>
public sealed class CrlFaultTests
{
    private const string WhereSerial = " WHERE serial = @Serial";

    /// <summary>The fault, what is said of it, and what puts an end to it.</summary>
    private static readonly Dictionary<string, (string Because, Func<CrlStory, Task> Fault, Func<CrlStory, Task> Cure)> Faults = new()
    {
        ["the clock is set forward"] = ("The clock was set forward by", Clock(TimeSpan.FromMinutes(10)), Clock(TimeSpan.FromMinutes(-10))),
        ["the clock is set back"] = ("The clock was set back by", Clock(TimeSpan.FromMinutes(-10)), Clock(TimeSpan.FromMinutes(10))),
        ["the clock is set back a little"] = ("and the last one is of", Clock(TimeSpan.FromSeconds(-40)), Clock(TimeSpan.FromSeconds(40))),
        ["the job stands still between reading and the gate"] = (
            "it has taken too long",
            Do(story => story.Stage.Hsm.Fault = signatures =>
            {
                story.Clock.Pass(TimeSpan.FromMinutes(31));
                return signatures;
            }),
            Do(story => story.Stage.Hsm.Fault = signatures => signatures)),
        ["the device fails"] = (
            "As the test wants it", Do(story => story.Stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it.")), Do(story => story.Stage.Hsm.Fault = signatures => signatures)),
        ["the device fails, and says much"] = (
            "As the test wants it", Do(story => story.Stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "As the test wants it,\tand\u202e\n" + new string('x', 2000))), Do(story => story.Stage.Hsm.Fault = signatures => signatures)),
        ["the device signs something else"] = (
            "signature", Do(story => story.Stage.Hsm.Fault = signatures => [.. signatures.Select(value => (byte)(value ^ 1))]), Do(story => story.Stage.Hsm.Fault = signatures => signatures)),
        ["a revoked entry vanished"] = ("vanished, and its certificate does not end before", Kept(story => RawAsync(story, "DELETE FROM revocation" + WhereSerial, story.Revoked.Serial)), PutBack()),
        ["a revoked entry vanished, and the row says that it has expired"] = (
            "vanished, and its certificate does not end before",
            Kept(async story =>
            {
                await RawAsync(story, "UPDATE certificate SET not_after = 1000" + WhereSerial, story.Revoked.Serial);
                await RawAsync(story, "UPDATE revocation SET not_after = 1000" + WhereSerial, story.Revoked.Serial);
            }),
            PutBack()),
        ["a revoked entry vanished, and the certificate is another's"] = (
            "nothing that was signed says",
            Kept(async story =>
            {
                await RawAsync(story, "DELETE FROM revocation" + WhereSerial, story.Revoked.Serial);
                await story.Stage.RawAsync("UPDATE certificate SET tbs = (SELECT c.tbs FROM certificate c WHERE c.serial = @Other) WHERE serial = @Serial", new { Other = story.Valid.Serial, story.Revoked.Serial });
            }),
            PutBack()),
        ["a hold vanished without a resumption"] = (
            "the log has no resumption",
            Kept(async story =>
            {
                await RawAsync(story, "DELETE FROM revocation" + WhereSerial, story.Held.Serial);
                await RawAsync(story, "UPDATE certificate SET state = 2, state_version = state_version + 1" + WhereSerial, story.Held.Serial);
            }),
            PutBack()),
        ["an entry has another reason"] = ("and would be", Kept(story => RawAsync(story, "UPDATE revocation SET reason = 4" + WhereSerial, story.Revoked.Serial)), PutBack()),
        ["an entry has another date"] = ("and would be", Kept(story => RawAsync(story, "UPDATE revocation SET revoked_at = revoked_at - 5000" + WhereSerial, story.Revoked.Serial)), PutBack()),
        ["an entry has an invalidity date"] = ("and would be", Kept(story => RawAsync(story, "UPDATE revocation SET invalid_from = 86400000" + WhereSerial, story.Revoked.Serial)), PutBack()),
        ["a hold has an invalidity date"] = ("and would be", Kept(story => RawAsync(story, "UPDATE revocation SET invalid_from = 86400000" + WhereSerial, story.Held.Serial)), PutBack()),
        ["a hold has another date"] = ("the log has no resumption", Kept(story => RawAsync(story, "UPDATE revocation SET revoked_at = revoked_at - 5000" + WhereSerial, story.Held.Serial)), PutBack()),
        ["a hold becomes a revocation that nobody ordered"] = ("and its certificate is Held", Kept(story => RawAsync(story, "UPDATE revocation SET reason = 1" + WhereSerial, story.Held.Serial)), PutBack()),
        ["an entry appears of what is not revoked"] = (
            "and its certificate is Valid",
            Kept(story => RawAsync(
                story,
                """
                INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after)
                SELECT authority_id, shard, serial, 1, changed_at, not_after FROM certificate WHERE serial = @Serial
                """,
                story.Valid.Serial)),
            PutBack()),
        ["the table is empty"] = ("vanished", Kept(story => story.Stage.RawAsync("DELETE FROM revocation")), PutBack()),
        ["the bytes of the last CRL were changed"] = (
            "has lost the bytes",
            async story =>
            {
                await story.Stage.RawAsync("CREATE TABLE kept_part AS SELECT * FROM crl_part");
                await story.Stage.RawAsync("DELETE FROM crl_part");
            },
            story => story.Stage.RawAsync("INSERT INTO crl_part SELECT * FROM kept_part")),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task WhatMustNotLeave_DoesNot(string name)
    {
        await using CrlStory story = await CrlStory.StartAsync();
        (string because, Func<CrlStory, Task> fault, Func<CrlStory, Task> cure) = Faults[name];

        await fault(story);
        await story.RefusedAsync(because);

        // Nor does it at the next attempt.
        await story.RefusedAsync(because);

        await cure(story);
        await story.HealedAsync();
        Assert.Equal(
            new Dictionary<string, RevocationReason> { [story.Held.Serial] = RevocationReason.CertificateHold, [story.Revoked.Serial] = RevocationReason.KeyCompromise }, story.Entries());
    }

    private static Func<CrlStory, Task> Clock(TimeSpan by) => Do(story => story.Clock.Set(by));

    private static Func<CrlStory, Task> Do(Action<CrlStory> action) => story =>
    {
        action(story);
        return Task.CompletedTask;
    };

    /// <summary>Somebody writes into the database.</summary>
    private static Func<CrlStory, Task> Kept(Func<CrlStory, Task> change) => async story =>
    {
        await story.KeepAsync();
        await change(story);
    };

    private static Func<CrlStory, Task> PutBack() => story => story.PutBackAsync();

    private static Task RawAsync(CrlStory story, string sql, string serial) => story.Stage.RawAsync(sql, new { Serial = serial });
}
