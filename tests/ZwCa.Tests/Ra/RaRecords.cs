using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.Ra.Evidence;
using ZwCa.Ra.Subscribers;
using ZwCa.Ra.Tracking;
using ZwCa.Tests.Officers;

namespace ZwCa.Tests.Ra;

/// <summary>The tables of an RA of 福建 with its use cases, without its service: two cities, a county, and operators who take in at each level.</summary>
internal sealed class RaRecords : IAsyncDisposable
{
    public const string Province = "350000";
    public const string City = "350100";
    public const string County = "350102";
    public const string OtherCity = "350200";

    /// <summary>Of the code's first eight places and the check characters of GB 32100.</summary>
    public const string Code = "91350100M000100Y43";

    private readonly Dictionary<SerialNumber, Sm2PrivateKey> _keys = [];
    private Clerk _administrator = null!;

    private RaRecords(OfficerStory story)
    {
        Story = story;
        Store = new SubscriberStore(story.Database, story.Persons);
        Register = new RegisterSubscriber(story.Database, story.Log, story.Persons, Store, story.Clock);
        Change = new ChangeSubscriber(story.Database, story.Log, Store, story.Clock);
        Evidence = new EvidenceStore(story.Database, story.Persons);
        ChangeEvidence = new ChangeEvidence(story.Database, story.Log, Evidence, story.Clock);
    }

    public OfficerStory Story { get; }

    public Database Database => Story.Database;

    public SubscriberStore Store { get; }

    public RegisterSubscriber Register { get; }

    public ChangeSubscriber Change { get; }

    public EvidenceStore Evidence { get; }

    public ChangeEvidence ChangeEvidence { get; }

    public Officer Provincial { get; private set; } = null!;

    public Officer OfCity { get; private set; } = null!;

    public Officer OfCounty { get; private set; } = null!;

    public Officer OfOtherCity { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<RaRecords> CreateAsync(DatabaseKind kind)
    {
        OfficerStory story = await OfficerStory.CreateAsync(kind);
        await new Migrator(story.Database, [MigrationSet.Data, ZwCa.Audit.AuditLog.Migrations, RoleCatalogue.Migrations, RaTables.Migrations], story.Clock).MigrateAsync(Token);
        var records = new RaRecords(story);
        await story.RegionAsync(Province, "000000", "福建省");
        await story.RegionAsync(City, Province, "福州市");
        await story.RegionAsync(County, City, "鼓楼区");
        await story.RegionAsync(OtherCity, Province, "厦门市");
        records._administrator = await story.BusinessAdministratorAsync(Province);
        records.Provincial = await records.OfficerAsync(Province);
        records.OfCity = await records.OfficerAsync(City);
        records.OfCounty = await records.OfficerAsync(County);
        records.OfOtherCity = await records.OfficerAsync(OtherCity);
        return records;
    }

    public async Task<Officer> OfficerAsync(string region) => await FindAsync(await Story.OfficerAsync(_administrator, Story.Super, RoleCatalogue.BusinessOperator, region));

    public Task<Officer> AdministratorAsync() => FindAsync(_administrator);

    public async Task<Officer> AuditorAsync(string region) => await FindAsync(await Story.OfficerAsync(Story.Audit, Story.Super, RoleCatalogue.Auditor, region));

    /// <summary>What the officer signs with.</summary>
    public Sm2PrivateKey KeyOf(Officer officer) => _keys[officer.SerialNumber];

    public static SubscriberRequest Person(IdNumber number, string region = City, string name = "王小明", byte[]? organization = null) => new()
    {
        Kind = "person", Region = region, Name = name, Number = number.Reveal(), Organization = organization is null ? null : Convert.ToHexStringLower(organization),
    };

    public static SubscriberRequest Organization(string code = Code, string region = City, string name = "福州市某局") => new() { Kind = "organization", Region = region, Name = name, Number = code };

    public static SubscriberRequest Device(byte[] owner, string number = "www.example.gov.cn", string region = City, string name = "门户网站") => new()
    {
        Kind = "device", Region = region, Name = name, Number = number, Organization = Convert.ToHexStringLower(owner),
    };

    public Task<byte[]> RegisterAsync(Officer officer, SubscriberRequest request) => Register.RunAsync(officer, request, (_, _) => Task.CompletedTask, Token);

    public Task ChangeAsync(Officer officer, byte[] id, SubscriberRequest request) => Change.RunAsync(officer, id, request, _ => Task.CompletedTask, Token);

    public async Task<Subscriber> GetAsync(byte[] id) => (await Store.FindAsync(id, Token))!;

    /// <returns>Its id: a draft, for a person who is registered for it.</returns>
    public async Task<byte[]> EnrollAsync(string region = City, short state = 0, TrackingNumber? number = null)
    {
        byte[] subscriber = await RegisterAsync(Provincial, Person(OfficerStory.NewIdNumber(), region));
        byte[] id = Ulid.Create(Story.Clock.GetUtcNow());
        await Story.RawAsync(
            """
            INSERT INTO enrollment (
                enrollment_id, tracking_number, kind, state, version, round, region, city, profile, subscriber_id, applicant_index, agent_index, content_sealed, data_key_id, is_open, created_by,
                created_at, changed_at)
            SELECT @Id, @Number, 1, @State, 1, 0, @Region, SUBSTRING(@Region, 1, 4) || '00', 'p', subscriber_id, person_index, @None, name_sealed, data_key_id, @IsOpen, 'f1', 1000, 2000
            FROM subscriber WHERE subscriber_id = @Subscriber
            """,
            new
            {
                Id = id, Number = (number ?? TrackingNumber.Create()).Value, State = state, Region = region, None = new byte[32], IsOpen = (short)(state is 4 or 7 or 8 or 9 ? 0 : 1), Subscriber = subscriber,
            });
        return id;
    }

    /// <summary>Events that the log has of that action.</summary>
    public async Task<IReadOnlyList<AuditLeaf>> EventsAsync(string action) =>
        [.. (await Story.LeafBytesAsync()).Select(bytes => Der.Decode<AuditLeaf>(bytes)).Where(leaf => leaf.Action == action)];

    public static async Task<string> RefusedAsync(Refusal kind, Func<Task> call)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(call);
        Assert.Equal((kind, refused.Message), (refused.Kind, refused.Message));
        return refused.Message;
    }

    public ValueTask DisposeAsync() => Story.DisposeAsync();

    private async Task<Officer> FindAsync(Clerk clerk)
    {
        _keys[clerk.SerialNumber] = clerk.Key;
        return await Story.FindAsync(clerk);
    }
}
