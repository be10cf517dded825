using System.Text;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Evidence;

namespace ZwCa.Tests.Ra.Evidence;

public sealed class EvidenceTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Evidence_IsSealedInParts_AndReadAsItWas(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        byte[] enrollment = await records.EnrollAsync(RaRecords.County);
        byte[] large = Pdf(EvidenceStore.PartLength + 5), exact = Pdf(EvidenceStore.PartLength), small = Pdf(100);

        byte[] hash = await AddAsync(records, records.OfCounty, enrollment, large, "身份证");
        await AddAsync(records, records.OfCity, enrollment, exact, "授权书");
        await AddAsync(records, records.Provincial, enrollment, small, "  Cafe\u0301 ");

        Assert.Equal(Sm3.HashData(large), hash);
        IReadOnlyList<EvidenceRow> rows = await records.Database.ReadAsync(transaction => EvidenceStore.ListAsync(transaction, enrollment), Token);
        Assert.Equal([(1, "身份证", large.LongLength), (2, "授权书", exact.LongLength), (3, "Café", small.LongLength)], rows.Select(row => ((int)row.Position, row.Title, row.Length)));
        Assert.All(rows, row => Assert.Equal(EvidenceFile.Pdf, row.MediaType));
        Assert.Equal([Sm3.HashData(large), Sm3.HashData(exact), Sm3.HashData(small)], rows.Select(row => row.EvidenceHash));
        foreach (byte[] file in (byte[][])[large, exact, small])
        {
            Assert.Equal(file, (await records.Evidence.ReadAsync(records.OfCounty, enrollment, Sm3.HashData(file), Token)).File);
        }

        // Two parts, one, one; nothing of it in clear, and the data key may change meanwhile.
        IReadOnlyList<byte[]> parts = await records.Database.QueryAsync<byte[]>("SELECT bytes_sealed FROM evidence_part", cancellationToken: Token);
        Assert.Equal(4, parts.Count);
        Assert.All(parts, part => Assert.True(part.AsSpan().IndexOf("%PDF"u8) < 0 && part.AsSpan().IndexOf("%%EOF"u8) < 0));
        await records.Story.Persons.RotateDataKeyAsync(Token);
        Assert.Equal(large, (await records.Evidence.ReadAsync(records.OfCounty, enrollment, hash, Token)).File);

        // The enrollment moves on with each, and so does the log, without the title.
        Assert.Equal(4, await VersionAsync(records, enrollment));
        Assert.Equal(
            [2, 3, 4], await records.Database.QueryAsync<long>("SELECT version FROM enrollment_step WHERE enrollment_id = @Id AND state = 0 ORDER BY version", new { Id = enrollment }, Token));
        IReadOnlyList<AuditLeaf> events = await records.EventsAsync("evidence.add");
        Assert.Equal(3, events.Count);
        Assert.Contains(events, leaf => leaf.Object == new AuditObject("enrollment", Convert.ToHexStringLower(enrollment)) && leaf.Fields.Contains(new AuditField.Octets("hash", hash)));
        Assert.DoesNotContain("身份证", string.Join("", (await records.Story.LeafBytesAsync()).Select(Encoding.UTF8.GetString)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AFileOfTwoEnrollments_IsStoredOnce_AndGoesWithTheLast(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        byte[] first = await records.EnrollAsync(), second = await records.EnrollAsync();
        byte[] file = Pdf(1000), hash = await AddAsync(records, records.OfCity, first, file);
        await AddAsync(records, records.OfCity, second, file, "另一份");
        Assert.Equal((1, 1), await CountAsync(records));
        await RaRecords.RefusedAsync(Refusal.Duplicate, () => AddAsync(records, records.OfCity, first, file));
        Assert.Equal(2, await VersionAsync(records, first));

        await RemoveAsync(records, records.OfCity, first, hash);
        Assert.Equal((1, 1), await CountAsync(records));
        await RaRecords.RefusedAsync(Refusal.NotFound, () => records.Evidence.ReadAsync(records.OfCity, first, hash, Token));
        await RaRecords.RefusedAsync(Refusal.NotFound, () => RemoveAsync(records, records.OfCity, first, hash));
        Assert.Equal(file, (await records.Evidence.ReadAsync(records.OfCity, second, hash, Token)).File);
        await RemoveAsync(records, records.OfCity, second, hash);
        Assert.Equal((0, 0), await CountAsync(records));
        Assert.Equal(2, (await records.EventsAsync("evidence.remove")).Count);

        // What an officer has signed for stays, also where another enrollment shows and drops it later.
        await AddAsync(records, records.OfCity, first, file);
        await records.Story.RawAsync("UPDATE enrollment SET state = 3, round = 1 WHERE enrollment_id = @Id", new { Id = first });
        await RemoveAsync(records, records.OfCity, first, hash);
        await AddAsync(records, records.OfCity, second, file);
        await RemoveAsync(records, records.OfCity, second, hash);
        Assert.Equal((1, 1), await CountAsync(records));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OfSeveralAtOnce_EachIsThere_AndTheFileOnce(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        byte[][] enrollments = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => records.EnrollAsync()));
        byte[] shared = Pdf(2000);

        await Task.WhenAll(enrollments.SelectMany(enrollment => Enumerable.Range(0, 4).Select(i => Task.Run(() => AddAsync(records, records.OfCity, enrollment, i == 0 ? shared : Pdf(100 + i))))));

        foreach (byte[] enrollment in enrollments)
        {
            IReadOnlyList<EvidenceRow> rows = await records.Database.ReadAsync(transaction => EvidenceStore.ListAsync(transaction, enrollment), Token);
            Assert.Equal([1, 2, 3, 4], rows.Select(row => (int)row.Position));
            Assert.Equal(shared, (await records.Evidence.ReadAsync(records.OfCity, enrollment, Sm3.HashData(shared), Token)).File);
            Assert.Equal(5, await VersionAsync(records, enrollment));
        }

        Assert.Equal((4, 4), await CountAsync(records));
    }

    [Fact]
    public async Task OnlyADraftOrWhatWasReturned_TakesEvidence_FromWhoTakesIn()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        byte[] enrollment = await records.EnrollAsync(), file = Pdf(100), hash = await AddAsync(records, records.OfCity, enrollment, file);
        Officer administrator = await records.AdministratorAsync(), auditor = await records.AuditorAsync(RaRecords.City);
        for (short state = 0; state <= 9; state++)
        {
            await records.Story.RawAsync(
                "UPDATE enrollment SET state = @State, is_open = @Open WHERE enrollment_id = @Id", new { State = state, Open = (short)(state is 4 or 7 or 8 or 9 ? 0 : 1), Id = enrollment });
            if (state is 0 or 3)
            {
                await RemoveAsync(records, records.OfCity, enrollment, await AddAsync(records, records.OfCity, enrollment, Pdf(200)));
                continue;
            }

            string said = await RaRecords.RefusedAsync(Refusal.WrongState, () => AddAsync(records, records.OfCity, enrollment, Pdf(200)));
            Assert.Contains("草稿或被退回", said, StringComparison.Ordinal);
            await RaRecords.RefusedAsync(Refusal.WrongState, () => RemoveAsync(records, records.OfCity, enrollment, hash));
        }

        await records.Story.RawAsync("UPDATE enrollment SET state = 0, is_open = 1 WHERE enrollment_id = @Id", new { Id = enrollment });
        foreach ((Officer officer, Refusal kind) in ((Officer, Refusal)[])
        [
            (administrator, Refusal.NotAllowed), (auditor, Refusal.NotAllowed), (records.OfCounty, Refusal.NotFound), (records.OfOtherCity, Refusal.NotFound),
        ])
        {
            await RaRecords.RefusedAsync(kind, () => AddAsync(records, officer, enrollment, Pdf(300)));
            await RaRecords.RefusedAsync(kind, () => RemoveAsync(records, officer, enrollment, hash));
        }

        await RaRecords.RefusedAsync(Refusal.NotFound, () => AddAsync(records, records.OfCity, new byte[16], file));
        foreach (string? title in (string?[])[null, "", "  ", "a\nb", "\u202Efdp", new string('名', 129)])
        {
            await RaRecords.RefusedAsync(Refusal.Malformed, () => AddAsync(records, records.OfCity, enrollment, Pdf(300), title));
        }

        Assert.Equal((1, 1), await CountAsync(records));
        await AddAsync(records, records.OfCity, enrollment, Pdf(400), string.Concat(Enumerable.Repeat("𠮷", 128)));
    }

    [Fact]
    public async Task UpToThirtyTwoPieces_AndGapsAreFilled()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        byte[] enrollment = await records.EnrollAsync();
        for (int i = 0; i < 32; i++)
        {
            await AddAsync(records, records.OfCity, enrollment, Pdf(100 + i));
        }

        string said = await RaRecords.RefusedAsync(Refusal.TooLarge, () => AddAsync(records, records.OfCity, enrollment, Pdf(99)));
        Assert.Contains("32", said, StringComparison.Ordinal);
        await RemoveAsync(records, records.OfCity, enrollment, Sm3.HashData(Pdf(107)));
        await AddAsync(records, records.OfCity, enrollment, Pdf(99));
        IReadOnlyList<EvidenceRow> rows = await records.Database.ReadAsync(transaction => EvidenceStore.ListAsync(transaction, enrollment), Token);
        Assert.Equal((32, Convert.ToHexStringLower(Sm3.HashData(Pdf(99)))), (rows.Count, Convert.ToHexStringLower(rows[7].EvidenceHash)));
    }

    /// <summary>Whoever may write to the tables.</summary>
    [Fact]
    public async Task APartThatIsMoved_OrTakenOut_IsNoticed()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        byte[] enrollment = await records.EnrollAsync();
        byte[] hash = await AddAsync(records, records.OfCity, enrollment, Pdf(EvidenceStore.PartLength + 5)), other = await AddAsync(records, records.OfCity, enrollment, Pdf(EvidenceStore.PartLength + 6));
        byte[] last = (await records.Database.FindAsync<byte[]>("SELECT bytes_sealed FROM evidence_part WHERE evidence_hash = @Hash AND number = 1", new { Hash = hash }, Token))!;

        await records.Story.RawAsync("DELETE FROM evidence_part WHERE evidence_hash = @Hash AND number = 1", new { Hash = hash });
        await Assert.ThrowsAsync<PersonKeysException>(() => records.Evidence.ReadAsync(records.OfCity, enrollment, hash, Token));
        await records.Story.RawAsync("UPDATE evidence_part SET bytes_sealed = @Part WHERE evidence_hash = @Hash AND number = 1", new { Hash = other, Part = last });
        await Assert.ThrowsAsync<PersonKeysException>(() => records.Evidence.ReadAsync(records.OfCity, enrollment, other, Token));
    }

    /// <returns>So many bytes that are one.</returns>
    internal static byte[] Pdf(int length)
    {
        byte[] file = new byte[length];
        Array.Fill(file, (byte)'x');
        "%PDF-1.7\n"u8.CopyTo(file);
        "\n%%EOF"u8.CopyTo(file.AsSpan(length - 6));
        return file;
    }

    private static Task<byte[]> AddAsync(RaRecords records, Officer officer, byte[] enrollment, byte[] file, string? title = "材料") =>
        records.ChangeEvidence.AddAsync(officer, enrollment, title, file, EvidenceFile.Pdf, (_, _) => Task.CompletedTask, Token);

    private static Task RemoveAsync(RaRecords records, Officer officer, byte[] enrollment, byte[] hash) =>
        records.ChangeEvidence.RemoveAsync(officer, enrollment, hash, _ => Task.CompletedTask, Token);

    private static async Task<long> VersionAsync(RaRecords records, byte[] enrollment) =>
        await records.Database.FindAsync<long>("SELECT version FROM enrollment WHERE enrollment_id = @Id", new { Id = enrollment }, Token);

    private static async Task<(long Files, long Parts)> CountAsync(RaRecords records) => (
        await records.Database.FindAsync<long>("SELECT COUNT(*) FROM evidence", cancellationToken: Token),
        await records.Database.FindAsync<long>("SELECT COUNT(*) FROM evidence_part", cancellationToken: Token));
}
