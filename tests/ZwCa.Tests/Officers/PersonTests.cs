using System.Text;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;

namespace ZwCa.Tests.Officers;

/// <summary>Persons: once each, sealed, masked.</summary>
public sealed class PersonTests
{
    private const string Number = "11010519491231002X";

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("11010519491231002X")]
    [InlineData(" 11010519491231002x ")]
    public void AnIdNumber_IsMasked_AndInOneForm(string text)
    {
        var number = IdNumber.Parse(text);

        Assert.Equal("110105********002X", number.ToString());
        Assert.Equal(Number, number.Reveal());
        Assert.Equal(IdNumber.Parse(Number), number);
    }

    [Fact]
    public void OfTheElevenCheckCharacters_OneIsRight()
    {
        string[] accepted = [.. "0123456789X".Select(check => Number[..17] + check).Where(text => Record.Exception(() => IdNumber.Parse(text)) is null)];

        Assert.Equal([Number], accepted);
    }

    [Theory]
    [InlineData("110105194912310021")]
    [InlineData("11010519490230002X")]
    [InlineData("11010519491231002")]
    [InlineData("")]
    [InlineData(null)]
    public void AWrongIdNumber_IsRefused_WithoutRepeatingIt(string? text)
    {
        RefusalException refused = Assert.Throws<RefusalException>(() => IdNumber.Parse(text));

        Assert.Equal(Refusal.Malformed, refused.Kind);
        Assert.True(string.IsNullOrEmpty(text) || !refused.Message.Contains(text, StringComparison.Ordinal));
        Assert.Contains("身份证", refused.Message);
    }

    [Theory]
    [InlineData("张三", "张*")]
    [InlineData("欧阳娜娜", "欧***")]
    [InlineData("𠮷野", "𠮷*")]
    [InlineData("阿", "阿*")]
    public void AName_IsMasked(string name, string masked)
    {
        Assert.Equal(masked, PersonName.Parse(name).ToString());
        Assert.Equal(name, PersonName.Parse(name).Reveal());
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("张\u202e三")]
    [InlineData("张\n三")]
    [InlineData("\ud842")]
    [InlineData(null)]
    public void ANameThatCannotBeSeen_IsRefused(string? name) =>
        Assert.Equal(Refusal.Malformed, Assert.Throws<RefusalException>(() => PersonName.Parse(name)).Kind);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EnrolledTwiceAtOnce_APersonIsOne(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        var number = IdNumber.Parse(Number);

        Person[] persons = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => story.EnrollAsync(number, "张三丰")));

        Assert.Single(persons.Select(person => Convert.ToHexString(person.Id.Span)).Distinct());
        Person found = (await story.Persons.FindAsync(number, Token))!;
        Assert.Equal((Number, "张三丰"), (found.IdNumber.Reveal(), found.Name.Reveal()));
        Assert.Equal("张** 110105********002X", found.ToString());
        Assert.Null(await story.Persons.FindAsync(OfficerStory.NewIdNumber(), Token));
        Assert.Null(await story.Persons.FindAsync(new byte[16], Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TheIdOfTheCasRegistry_IsTaken_AndIsOnePersonsOnly(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        byte[] id = [.. Enumerable.Repeat((byte)9, 16)];
        Task<Person> Enroll(string number, byte[] known) =>
            story.Persons.EnrollAsync(IdNumber.Parse(number), PersonName.Parse("张三"), OfficerStory.Ceremony, known, Token);

        Assert.Equal(id, (await Enroll(Number, id)).Id.ToArray());
        Assert.Equal(id, (await Enroll(Number, id)).Id.ToArray());
        await CommandTests.RefusedAsync(Refusal.Duplicate, () => Enroll(Number, new byte[16]));
        await CommandTests.RefusedAsync(Refusal.Duplicate, () => Enroll("440524188001010014", id));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AfterAnotherDataKey_OldRowsAreReadable_AndANodeThatDoesNotKnowItLearnsIt(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Person before = await story.EnrollAsync(IdNumber.Parse(Number));
        using PersonRegistry other = await OpenAsync(story, story.IndexKey, story.Kek);

        await story.Persons.RotateDataKeyAsync(Token);
        Person after = await story.EnrollAsync();

        Assert.Equal(Number, (await story.Persons.FindAsync(before.Id, Token))!.IdNumber.Reveal());
        Assert.Equal(after.IdNumber, (await other.FindAsync(after.Id, Token))!.IdNumber);
        IReadOnlyList<byte[]> keys = await story.Database.QueryAsync<byte[]>(
            "SELECT data_key_id FROM person WHERE person_id = @Before OR person_id = @After", new { Before = before.Id.ToArray(), After = after.Id.ToArray() }, Token);
        Assert.NotEqual(keys[0], keys[1]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OtherKeysOfTheHsm_AreRefused(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        HsmKey index = await story.Hsm.GenerateKeyAsync(new KeyLabel("other-index"), HsmKeyKind.HmacSm3, Token);
        HsmKey kek = await story.Hsm.GenerateKeyAsync(new KeyLabel("other-kek"), HsmKeyKind.DataKek, Token);

        await Assert.ThrowsAsync<PersonKeysException>(() => OpenAsync(story, index, story.Kek));
        await Assert.ThrowsAsync<PersonKeysException>(() => OpenAsync(story, story.IndexKey, kek));
        await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(story, story.Kek, story.IndexKey));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SealedValues_OpenInTheirOwnPlaceOnly(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Person one = await story.EnrollAsync();
        Person two = await story.EnrollAsync();
        var parameters = new { One = one.Id.ToArray(), Short = new byte[3] };
        byte moved = 0;
        foreach (string values in new[] { "id_number_sealed, name_sealed", "id_number_sealed, id_number_sealed", "id_number_sealed, @Short" })
        {
            byte[] id = [.. Enumerable.Repeat(++moved, 16)];
            await story.RawAsync(
                $"INSERT INTO person SELECT @Id, @Id, {values}, data_key_id, 1 FROM person WHERE person_id = @One", new { Id = id, parameters.One, parameters.Short });
            await Assert.ThrowsAsync<PersonKeysException>(() => story.Persons.FindAsync(id, Token));
        }

        Assert.NotNull(await story.Persons.FindAsync(one.Id, Token));
        Assert.NotNull(await story.Persons.FindAsync(two.Id, Token));
    }

    [Fact]
    public async Task NeitherNumberNorName_IsInTheFileOrInTheLog()
    {
        const string Name = "诸葛孔明";
        await using OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        Person person = await story.EnrollAsync(IdNumber.Parse(Number), Name);
        Clerk clerk = await story.OfficerAsync(story.Super, story.Audit, RoleCatalogue.BusinessAdministrator, person: person.Id);

        IReadOnlyList<OfficerEntry> first = await story.Directory.ListAsync(story.Persons, RegionCode.Nation, default, 2, Token);
        IReadOnlyList<OfficerEntry> second = await story.Directory.ListAsync(story.Persons, RegionCode.Nation, first[^1].OfficerId, 2, Token);
        Assert.Equal((2, 1), (first.Count, second.Count));
        OfficerEntry entry = first.Concat(second).Single(each => each.Role == RoleCatalogue.BusinessAdministrator);
        Assert.Equal(("诸***", "110105********002X", clerk.SerialNumber.ToString()), (entry.Name, entry.IdNumber, entry.CertificateSerial));
        Assert.DoesNotContain(Number, string.Concat(first.Concat(second)));

        foreach (byte[] leaf in await story.LeafBytesAsync())
        {
            AssertNone(leaf, Number, Name, "110105********002X");
        }

        string file = new Microsoft.Data.Sqlite.SqliteConnectionStringBuilder(story.Options.ConnectionString).DataSource;
        byte[] bytes = [];
        foreach (string path in new[] { file, file + "-wal" }.Where(File.Exists))
        {
            await using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy, Token);
            bytes = [.. bytes, .. copy.ToArray()];
        }

        // What is there in clear is found by the same search.
        Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(clerk.SerialNumber.ToString())) >= 0);
        AssertNone(bytes, Number, Number[..17], Name);
    }

    private static void AssertNone(byte[] bytes, params string[] texts) =>
        Assert.All(texts, text => Assert.All(
            new[] { Encoding.UTF8, Encoding.Unicode }, encoding => Assert.True(bytes.AsSpan().IndexOf(encoding.GetBytes(text)) < 0)));

    private static Task<PersonRegistry> OpenAsync(OfficerStory story, HsmKey index, HsmKey kek) =>
        PersonRegistry.OpenAsync(story.Database, story.Log, story.Hsm, index, kek, story.Clock, Token);
}
