using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Benchmarks;

/// <summary>How long an RA's lists and searches take, over HTTPS, each question a signed reading of an officer: from the signature until the last byte of the answer. Pages have 100 rows.</summary>
internal sealed class ListBenchmark(RaProcess ra, StageOfficer county, int rows)
{
    private const int Callers = 4;
    private const int Samples = 200;
    private const int WarmUp = 40;
    private const double Bar = 50;

    private readonly List<(string Name, StageOfficer Officer, Func<int, HttpRequestMessage> Request)> _queries = [];

    /// <returns>Whether each keeps to its bar.</returns>
    public async Task<bool> RunAsync()
    {
        await AddAsync();

        // The service compiles as it runs, and has just been started.
        foreach ((_, StageOfficer officer, Func<int, HttpRequestMessage> request) in _queries)
        {
            await MeasureAsync(officer, request, WarmUp);
        }

        Console.WriteLine();
        Console.WriteLine($"{string.Create(CultureInfo.InvariantCulture, $"lists, {rows:N0} enrollments, {Callers} in flight"),-64} {"p50 ms",8} {"p99 ms",8} {"rows",6}");
        double slowest = 0;
        foreach ((string name, StageOfficer officer, Func<int, HttpRequestMessage> request) in _queries)
        {
            (double[] times, int found) = await MeasureAsync(officer, request, Samples);
            double p99 = times[(int)(0.99 * (times.Length - 1))];
            slowest = Math.Max(slowest, p99);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-64} {times[times.Length / 2],8:N1} {p99,8:N1} {found,6}{(p99 > Bar ? "  above the bar" : "")}"));
        }

        SideBySide.PrintRatio("lists.vs.bar-of-50ms", Bar / slowest, 1, "the slowest p99 of all");
        return slowest <= Bar;
    }

    private async Task AddAsync()
    {
        await using Database database = ra.OpenDatabase();
        byte[] middle = (await database.FindAsync<byte[]>($"SELECT enrollment_id FROM enrollment ORDER BY enrollment_id LIMIT 1 OFFSET {rows / 2}"))!;
        byte[] late = (await database.FindAsync<byte[]>($"SELECT enrollment_id FROM enrollment ORDER BY enrollment_id DESC LIMIT 1 OFFSET {rows / 100}"))!;
        string deep = Convert.ToHexStringLower(middle), deepest = Convert.ToHexStringLower(late);
        (string Name, StageOfficer Officer, string City)[] who =
        [
            ("province", ra.Counter.Province, ""), ("province, a city", ra.Counter.Province, "&region=350900"), ("city", ra.Counter.City, ""), ("county", county, ""),
        ];
        foreach ((string name, StageOfficer officer, string region) in who)
        {
            Get($"{name}: all", officer, $"/enrollments?rows=100{region}");
            Get($"{name}: from the middle", officer, $"/enrollments?rows=100&after={deep}{region}");
            Get($"{name}: the last hundredth", officer, $"/enrollments?rows=100&after={deepest}{region}");
            foreach (EnrollmentState state in Enum.GetValues<EnrollmentState>())
            {
                Get($"{name}: {EnrollmentNames.NameOf(state)}", officer, $"/enrollments?rows=100&state={EnrollmentNames.NameOf(state)}{region}");
            }

            foreach (EnrollmentKind kind in (EnrollmentKind[])[EnrollmentKind.New, EnrollmentKind.Revoke, EnrollmentKind.Recovery])
            {
                Get($"{name}: {EnrollmentNames.NameOf(kind)}", officer, $"/enrollments?rows=100&kind={EnrollmentNames.NameOf(kind)}{region}");
            }

            Get($"{name}: recovery, archived, from the middle", officer, $"/enrollments?rows=100&kind=recovery&state=archived&after={deep}{region}");
            Get($"{name}: new, cancelled", officer, $"/enrollments?rows=100&kind=new&state=cancelled{region}");
            Get($"{name}: recovery, submitted", officer, $"/enrollments?rows=100&kind=recovery&state=submitted{region}");
            Get($"{name}: overdue", officer, $"/enrollments?rows=100&overdue=true{region}");
            Get($"{name}: overdue, suspend, issued", officer, $"/enrollments?rows=100&overdue=true&kind=suspend&state=issued{region}");
        }

        string[] subscribers = [.. (await database.QueryAsync<byte[]>("SELECT subscriber_id FROM enrollment WHERE city = '350100' ORDER BY enrollment_id LIMIT 500")).Select(Convert.ToHexStringLower)];
        Many("city: of a subscriber", ra.Counter.City, i => $"/enrollments?subscriber={subscribers[i % subscribers.Length]}");
        Many("province: of a subscriber, archived, new", ra.Counter.Province, i => $"/enrollments?subscriber={subscribers[i % subscribers.Length]}&state=archived&kind=new");
        string[] numbers = [.. await database.QueryAsync<string>("SELECT tracking_number FROM enrollment WHERE city = '350100' ORDER BY enrollment_id LIMIT 500")];
        Many("city: a tracking number", ra.Counter.City, i => $"/enrollments?trackingNumber={numbers[i % numbers.Length]}");
        await AddSubscribersAsync(database, who);
    }

    private async Task AddSubscribersAsync(Database database, (string Name, StageOfficer Officer, string City)[] who)
    {
        byte[] organization = (await database.FindAsync<byte[]>("SELECT subscriber_id FROM subscriber WHERE kind = 1 AND region = '350100' ORDER BY subscriber_id LIMIT 1"))!;
        foreach ((string name, StageOfficer officer, string region) in who)
        {
            string within = region.Length > 0 ? "3509%" : officer == county ? CaScene.County : "3501%";
            IReadOnlyList<byte[]> some = await database.QueryAsync<byte[]>("SELECT subscriber_id FROM subscriber WHERE region LIKE @Within ORDER BY region, subscriber_id", new { Within = within });
            string middle = Convert.ToHexStringLower(some[some.Count / 2]);
            Get($"{name}: subscribers", officer, $"/subscribers?rows=100{region}");
            Get($"{name}: subscribers, from the middle", officer, $"/subscribers?rows=100&after={middle}{region}");
            Get($"{name}: persons", officer, $"/subscribers?rows=100&kind=person{region}");
            Get($"{name}: organisations", officer, $"/subscribers?rows=100&kind=organization{region}");
            Get($"{name}: devices", officer, $"/subscribers?rows=100&kind=device{region}");
            Get($"{name}: subscribers of an organisation", officer, $"/subscribers?rows=100&organization={Convert.ToHexStringLower(organization)}{region}");
            Get($"{name}: devices by name", officer, $"/subscribers?rows=100&kind=device&name={Uri.EscapeDataString("门户服务器9")}{region}");
        }

        string[] codes = [.. await database.QueryAsync<string>("SELECT number FROM subscriber WHERE kind = 1 AND region LIKE '3501%' ORDER BY subscriber_id LIMIT 500")];
        Search("city: search, an organisation", i => new SubscriberSearch { Kind = "organization", Number = codes[i % codes.Length] });

        // By the device's HMAC of his number: these are registered as clerks do it.
        var known = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 100), new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (_, _) =>
        {
            var number = CaScene.NewIdNumber();
            await ra.Counter.PersonAsync(number: number);
            known.Add(number.Reveal());
        });
        string[] persons = [.. known];
        Search("city: search, a person", i => new SubscriberSearch { Kind = "person", Number = persons[i % persons.Length] });

        void Search(string name, Func<int, SubscriberSearch> search) => _queries.Add((name, ra.Counter.City, i => new HttpRequestMessage(HttpMethod.Post, "/subscribers/search")
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(search(i), JsonSerializerOptions.Web)) { Headers = { ContentType = new("application/json") } },
        }));
    }

    private void Get(string name, StageOfficer officer, string path) => Many(name, officer, _ => path);

    private void Many(string name, StageOfficer officer, Func<int, string> path) => _queries.Add((name, officer, i => new HttpRequestMessage(HttpMethod.Get, path(i))));

    /// <returns>Milliseconds, in their order, and how many rows the first answer had.</returns>
    private async Task<(double[] Times, int Found)> MeasureAsync(StageOfficer officer, Func<int, HttpRequestMessage> make, int count)
    {
        HttpClient client = ra.Counter.ClientOf(officer);
        double[] times = new double[count];
        int next = -1, found = 0;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                using HttpRequestMessage request = make(i);
                MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
                long begun = Stopwatch.GetTimestamp();
                using HttpResponseMessage response = await client.SendAsync(request);
                byte[] answer = await response.Content.ReadAsByteArrayAsync();
                times[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
                if (!response.IsSuccessStatusCode)
                {
                    throw new InvalidOperationException($"{request.RequestUri}: {(int)response.StatusCode}\n{ra.Log}");
                }

                if (i == 0)
                {
                    found = Count(answer);
                }
            }
        })));
        Array.Sort(times);
        return (times, found);
    }

    private static int Count(byte[] json)
    {
        using var answer = JsonDocument.Parse(json);
        return answer.RootElement.EnumerateObject().Select(each => each.Value).Where(each => each.ValueKind == JsonValueKind.Array).Select(each => each.GetArrayLength()).DefaultIfEmpty(1).First();
    }
}
