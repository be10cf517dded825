using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Enrollments;

/// <summary>Filters of a list, as they stand in its address. Those of one address hold together.</summary>
internal sealed record EnrollmentQuery
{
    public string? State { get; init; }

    public string? Kind { get; init; }

    /// <summary>GB/T 2260; with everything below it. Null: the officer's own.</summary>
    public string? Region { get; init; }

    /// <summary>Id.</summary>
    public string? Subscriber { get; init; }

    /// <summary>As the applicant has it.</summary>
    public string? TrackingNumber { get; init; }

    /// <summary>Whether only what is late.</summary>
    public bool? Overdue { get; init; }

    public string? After { get; init; }

    public int? Rows { get; init; }

    /// <summary>
    /// A condition that one index answers in the order of ids: a province's officer sees all there is, a city is a column, a county an equal code. A database without statistics cannot know
    /// which term leaves the fewest rows: the others are written so that no index answers them, and are compared with what the leading one gives.
    /// </summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; <see cref="Refusal.OutOfScope"/>: another's region.</exception>
    public (string Where, object Parameters, int Rows) Read(Officer officer, DateTimeOffset now)
    {
        var region = Region is null ? officer.Region : RegionCode.Parse(Region);
        officer.RequireCovers(region.Value);
        EnrollmentState? state = State is null ? null : EnrollmentNames.Parse<EnrollmentState>(State, "状态");

        // Few have the same subscriber, or wait for anything. What has come to a good end is nearly all there is: a kind has less.
        bool isByRow = TrackingNumber is not null || Subscriber is not null;
        bool isByPlace = !isByRow && Overdue != true;
        bool isByState = isByPlace && !(Kind is not null && state is EnrollmentState.Delivered or EnrollmentState.Archived);
        bool isByKind = isByPlace && !(isByState && state is not null);
        var terms = new List<string> { "enrollment_id > @After" };
        Add(region.Level == RegionLevel.City, isByPlace ? "city = @Region" : "COALESCE(city, '') = @Region");
        Add(region.Level == RegionLevel.County, isByPlace ? "region = @Region" : "COALESCE(region, '') = @Region");
        Add(state is not null, isByState ? "state = @State" : "+state = @State");
        Add(Kind is not null, isByKind ? "kind = @Kind" : "+kind = @Kind");
        Add(Subscriber is not null, "subscriber_id = @Subscriber");
        Add(TrackingNumber is not null, "tracking_number = @TrackingNumber");
        Add(Overdue == true, "due_at < @Now");
        var parameters = new
        {
            After = Page.After(After),
            Region = region.Value,
            State = state ?? EnrollmentState.Draft,
            Kind = Kind is null ? EnrollmentKind.New : EnrollmentNames.Parse<EnrollmentKind>(Kind, "业务种类"),
            Subscriber = Subscriber is null ? [] : Page.Id(Subscriber),
            TrackingNumber = TrackingNumber is null ? "" : Tracking.TrackingNumber.Parse(TrackingNumber).Value,
            Now = now,
        };
        return (string.Join(" AND ", terms), parameters, Page.Rows(Rows));

        void Add(bool asked, string term)
        {
            if (asked)
            {
                terms.Add(term);
            }
        }
    }
}
