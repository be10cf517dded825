using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Subscribers;
using ZwCa.Ra.Tracking;

namespace ZwCa.Benchmarks;

/// <summary>
/// Fills an RA that does not run with what lists look at: a province of nine cities with ten counties each, subscribers, half as many as enrollments, three years of enrollments. Persons are sealed
/// with the RA's own keys, for lists show them; the contents of enrollments, which no list opens, are random bytes of the right length. Events, steps and evidence are left out.
/// </summary>
internal sealed class SeededRa(RaProcess ra, CaScene scene)
{
    private const int Cities = 9;
    private const int Counties = 10;
    private const int Batch = 10_000;
    private const int ContentLength = 720;
    private const int CertificateLength = 760;
    private const double Years = 3;

    /// <summary>Of the enrollments, in thousandths; the rest is archived. What is open was taken in during the last tenth of the time.</summary>
    private static readonly (EnrollmentState State, int Thousandths, bool IsOpen)[] States =
    [
        (EnrollmentState.Draft, 6, true), (EnrollmentState.Submitted, 5, true), (EnrollmentState.Reviewed, 2, true), (EnrollmentState.Returned, 5, true), (EnrollmentState.Issuing, 1, true),
        (EnrollmentState.Issued, 8, true), (EnrollmentState.Delivered, 8, true), (EnrollmentState.Rejected, 8, false), (EnrollmentState.Cancelled, 7, false),
    ];

    /// <summary>In thousandths.</summary>
    private static readonly (EnrollmentKind Kind, int Thousandths)[] Kinds =
    [
        (EnrollmentKind.New, 520), (EnrollmentKind.Renew, 240), (EnrollmentKind.Rekey, 60), (EnrollmentKind.Change, 50), (EnrollmentKind.Replace, 40), (EnrollmentKind.Revoke, 70),
        (EnrollmentKind.Suspend, 9), (EnrollmentKind.Resume, 8), (EnrollmentKind.Recovery, 3),
    ];

    private static readonly string[] Names = ["张三", "李四", "王小明", "陈建国", "林美玲", "欧阳志远"];
    private static readonly string[] Bureaus = ["公安局", "财政局", "税务局", "卫生健康委员会", "市场监督管理局", "档案馆"];

    private static readonly string[] SubscriberColumns =
    [
        "subscriber_id", "kind", "region", "person_index", "number_sealed", "name_sealed", "data_key_id", "number", "name", "organization_id", "organization_kind", "version", "registered_at", "changed_at",
    ];

    private static readonly string[] EnrollmentColumns =
    [
        "enrollment_id", "tracking_number", "kind", "state", "version", "round", "region", "city", "profile", "subscriber_id", "applicant_index", "agent_index", "content_sealed", "data_key_id", "key_hash",
        "certificate_issuer", "certificate_serial", "is_open", "created_by", "created_at", "changed_at", "due_at",
    ];

    private static readonly string[] CertificateColumns =
    [
        "issuer", "serial", "half", "pair_id", "key_serial", "enrollment_id", "subscriber_id", "region", "profile", "certificate", "key_hash", "state", "not_before", "not_after", "proven_at", "stored_at",
    ];

    private readonly Random _random = new(20261122);

    /// <summary>The province and what is below it, each city before its counties.</summary>
    public static IReadOnlyList<string> Regions { get; } =
    [
        CaScene.Province,
        .. Enumerable.Range(1, Cities).SelectMany(city => Enumerable.Range(0, Counties + 1).Select(county => string.Create(CultureInfo.InvariantCulture, $"35{city:00}{(county == 0 ? 0 : county + 1):00}"))),
    ];

    public async Task FillAsync(int rows)
    {
        var clock = Stopwatch.StartNew();
        await using WebApplication app = await ra.OpenAsync();
        Database database = app.Services.GetRequiredService<Database>();
        PersonRegistry persons = app.Services.GetRequiredService<PersonRegistry>();
        await database.WriteAsync(InsertRegionsAsync);
        byte[][] subscribers = await FillSubscribersAsync(database, persons, Math.Max(rows / 2, 100));
        for (int done = 0; done < rows; done += Batch)
        {
            object?[][] batch = [.. Enumerable.Range(done, Math.Min(Batch, rows - done)).Select(i => MakeEnrollment(persons, subscribers, i, rows))];
            await database.WriteAsync(async transaction =>
            {
                await transaction.BulkInsertAsync("key_owner", ["key_hash", "subscriber_id"], [.. batch.Where(each => each[14] is not null).Select(each => (object?[])[each[14], each[9]])]);
                await transaction.BulkInsertAsync("enrollment", EnrollmentColumns, batch);
                await transaction.BulkInsertAsync("certificate", CertificateColumns, [.. batch.Where(IsCertified).SelectMany(MakeCertificates)]);
            });
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\nseed     {rows:N0} enrollments of {subscribers.Length:N0} subscribers in {clock.Elapsed.TotalSeconds:N0} s; the database has {new FileInfo(ra.DatabaseFile).Length / 1048576.0:N0} MiB"));
    }

    private static async Task InsertRegionsAsync(Transaction transaction)
    {
        foreach (string code in Regions)
        {
            var region = RegionCode.Parse(code);
            string parent = region.Level switch { RegionLevel.Province => RegionCode.Nation.Value, RegionLevel.City => CaScene.Province, _ => code[..4] + "00" };
            await transaction.TryInsertAsync("INSERT INTO region (code, level, parent, name) VALUES (@Code, @Level, @Parent, @Code)", new { Code = code, Level = (short)region.Level, Parent = parent });
        }
    }

    /// <summary>Two in a hundred are organisations, eight are devices.</summary>
    private async Task<byte[][]> FillSubscribersAsync(Database database, PersonRegistry persons, int count)
    {
        int organizations = count / 50;
        byte[][] ids = [.. Enumerable.Range(0, count).Select(_ => RandomNumberGenerator.GetBytes(16))];
        string[] regions = [.. ids.Select(_ => AnyRegion())];
        string[] codes = [.. ParallelEnumerable.Range(0, organizations).Select(_ => RaCounter.NewCreditCode())];
        for (int done = 0; done < count; done += Batch)
        {
            object?[][] batch = [.. ParallelEnumerable.Range(done, Math.Min(Batch, count - done)).AsOrdered().Select(i => MakeSubscriber(persons, ids, regions[i], codes, i))];
            await database.WriteAsync(transaction => transaction.BulkInsertAsync("subscriber", SubscriberColumns, batch));
        }

        return ids;
    }

    private static object?[] MakeSubscriber(PersonRegistry persons, byte[][] ids, string region, string[] codes, int i)
    {
        byte[] id = ids[i];
        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (i < codes.Length)
        {
            return [id, SubscriberKind.Organization, region, null, null, null, null, codes[i], $"{region}{Bureaus[i % Bureaus.Length]}", null, null, 1L, now, now];
        }

        byte[] organization = ids[i % codes.Length];
        if (i % 12 == 0)
        {
            string number = string.Create(CultureInfo.InvariantCulture, $"host-{i}.gov.example");
            return [id, SubscriberKind.Device, region, null, null, null, null, number, $"门户服务器{i}", organization, (short)1, 1L, now, now];
        }

        (byte[] keyId, byte[][] values) = persons.Seal(id, ("number", Encoding.UTF8.GetBytes(CaScene.NewIdNumber().Reveal())), ("name", Encoding.UTF8.GetBytes(Names[i % Names.Length])));
        return [id, SubscriberKind.Person, region, RandomNumberGenerator.GetBytes(32), values[0], values[1], keyId, null, null, organization, (short)1, 1L, now, now];
    }

    private object?[] MakeEnrollment(PersonRegistry persons, byte[][] subscribers, int i, int rows)
    {
        TimeSpan age = TimeSpan.FromDays(365 * Years) * (1 - ((i + 0.5) / rows));
        DateTimeOffset now = DateTimeOffset.UtcNow, created = now - age;
        byte[] id = Ulid.FirstOf(created);
        RandomNumberGenerator.Fill(id.AsSpan(6));
        EnrollmentState state = AnyState(i >= rows * 9L / 10);
        int kind = _random.Next(1000);
        EnrollmentKind what = Kinds.First(each => (kind -= each.Thousandths) < 0).Kind;
        bool hasKey = what <= EnrollmentKind.Replace, follows = what != EnrollmentKind.New;
        (TimeSpan? wait, bool isOpen) = state switch
        {
            EnrollmentState.Draft or EnrollmentState.Returned => (TimeSpan.FromDays(15), true),
            EnrollmentState.Submitted or EnrollmentState.Reviewed => (TimeSpan.FromDays(3), true),
            EnrollmentState.Issuing => (TimeSpan.FromHours(1), true),
            EnrollmentState.Issued => (TimeSpan.FromDays(30), true),
            _ => ((TimeSpan?)null, false),
        };
        string region = AnyRegion();
        byte[] sealedContent = RandomNumberGenerator.GetBytes(hasKey ? ContentLength : ContentLength / 4);
        return
        [
            id, TrackingNumber.Create().Value, what, state, 7L, (short)(state == EnrollmentState.Draft ? 0 : 1), region, region[..4] + "00", "person", subscribers[_random.Next(subscribers.Length)],
            EnrollmentNames.Nobody, EnrollmentNames.Nobody, sealedContent, _keyId ??= persons.Seal(id).KeyId, hasKey ? RandomNumberGenerator.GetBytes(32) : null, follows ? Issuer : null,
            follows ? Serial() : null, isOpen, "01", created, created + (age / 2), created + wait,
        ];
    }

    /// <summary>Of data: it is the same for all.</summary>
    private byte[]? _keyId;

    private string Issuer => Convert.ToHexStringLower(scene.Issuers.Subscribers.KeyIdentifier.Span);

    private static string Serial() => "01" + RandomNumberGenerator.GetHexString(30, lowercase: true);

    private static bool IsCertified(object?[] enrollment) => enrollment[14] is not null && enrollment[3] is EnrollmentState.Issued or EnrollmentState.Delivered or EnrollmentState.Archived;

    /// <summary>Both of a pair, proven.</summary>
    private IEnumerable<object?[]> MakeCertificates(object?[] enrollment)
    {
        byte[] pair = RandomNumberGenerator.GetBytes(16);
        string key = Serial();
        foreach (short half in (short[])[1, 2])
        {
            yield return
            [
                Issuer, Serial(), half, pair, key, enrollment[0], enrollment[9], enrollment[6], "person", RandomNumberGenerator.GetBytes(CertificateLength), RandomNumberGenerator.GetBytes(32), (short)1,
                enrollment[19], ((DateTimeOffset)enrollment[19]!).AddYears(1), enrollment[20], enrollment[19],
            ];
        }
    }

    private EnrollmentState AnyState(bool isLate)
    {
        int state = _random.Next(1000);
        foreach ((EnrollmentState each, int thousandths, bool isOpen) in States)
        {
            state -= !isOpen ? thousandths : isLate ? 10 * thousandths : 0;
            if (state < 0)
            {
                return each;
            }
        }

        return EnrollmentState.Archived;
    }

    /// <summary>The first cities have more people; one enrollment in a hundred is taken in by the province, one in ten by a city.</summary>
    private string AnyRegion()
    {
        int city = Math.Min(_random.Next(Cities), _random.Next(Cities)), where = _random.Next(100);
        return where == 0 ? Regions[0] : Regions[1 + (city * (Counties + 1)) + (where < 10 ? 0 : 1 + _random.Next(Counties))];
    }
}
