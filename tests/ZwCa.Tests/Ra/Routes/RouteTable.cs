using ZwCa.Contracts;

namespace ZwCa.Tests.Ra.Routes;

/// <summary>What a person may do with a thing of the county.</summary>
/// <param name="Route">Method and pattern, as the service has them.</param>
/// <param name="May">What whoever may do it gets: null: it is done; otherwise what is refused for the thing's state or the sample's content, never for the person.</param>
/// <param name="County">业务操作员 of the county; null: he may, and gets <paramref name="May"/>. Likewise the others.</param>
/// <param name="OtherCity">业务操作员 of another city.</param>
/// <param name="Administrator">业务管理员 of the province.</param>
/// <param name="Auditor">审计员 of the province.</param>
internal sealed record RouteLine(
    string Route, Refusal? May, Refusal? County, Refusal? City, Refusal? Province, Refusal? OtherCity, Refusal? Administrator, Refusal? Auditor)
{
    /// <summary>Every registered client may, whatever it is, and signs nothing: a description of the interface.</summary>
    public bool IsForEveryLink { get; init; }

    public Refusal? ExpectedOf(Visitor visitor) => (visitor switch
    {
        Visitor.County => County,
        Visitor.City => City,
        Visitor.Province => Province,
        Visitor.OtherCity => OtherCity,
        Visitor.Administrator => Administrator,
        _ => Auditor,
    }) ?? May;
}

/// <summary>Who is in office at the RA.</summary>
public enum Visitor
{
    County,
    City,
    Province,
    OtherCity,
    Administrator,
    Auditor,
}

/// <summary>All routes of the RA's links. One that is not here does not pass the tests.</summary>
internal static class RouteTable
{
    private const Refusal No = Refusal.NotAllowed;
    private const Refusal Hidden = Refusal.NotFound;
    private const Refusal Scope = Refusal.OutOfScope;
    private const Refusal State = Refusal.WrongState;
    private const Refusal Malformed = Refusal.Malformed;

    private static Refusal? Yes => null;

    public static IReadOnlyList<RouteLine> Lines { get; } =
    [
        // What            gets                                        May                 county city province other-city administrator auditor
        new("GET /officers",                                            Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("GET /regions",                                             Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("POST /commands",                                           Yes,                No,    No,  No,      No,        Yes,          No),
        new("GET /commands",                                            Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("GET /commands/{id}",                                       Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),

        new("POST /subscribers",                                        Yes,                Yes,   Yes, Yes,     Scope,     No,           No),
        new("GET /subscribers",                                         Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("POST /subscribers/search",                                 Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),
        new("GET /subscribers/{id}",                                    Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),
        new("PUT /subscribers/{id}",                                    State,              Yes,   Yes, Yes,     Hidden,    No,           No),

        new("GET /profiles",                                            Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("POST /enrollments",                                        Yes,                Yes,   Yes, Yes,     Scope,     No,           No),
        new("GET /enrollments",                                         Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("GET /enrollments/{id}",                                    Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),
        new("PUT /enrollments/{id}",                                    State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("PUT /enrollments/{id}/csr",                                State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("GET /enrollments/{id}/application",                        Yes,                Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /enrollments/{id}/submission",                        State,              Yes,   Yes, Yes,     Hidden,    No,           No),

        // Whoever may review gets to the approval, which is none; an acceptance point does not get so far.
        new("POST /enrollments/{id}/review",                            Refusal.Malformed,  No,    Yes, Yes,     Hidden,    No,           No),
        new("POST /enrollments/{id}/cancellation",                      State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /enrollments/{id}/archiving",                         State,              Yes,   Yes, Yes,     Hidden,    No,           No),

        new("POST /enrollments/{id}/evidence",                          State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("GET /enrollments/{id}/evidence/{hash}",                    Yes,                Yes,   Yes, Yes,     Hidden,    No,           No),
        new("DELETE /enrollments/{id}/evidence/{hash}",                 State,              Yes,   Yes, Yes,     Hidden,    No,           No),

        new("POST /enrollments/{id}/delivery/challenge",                State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /enrollments/{id}/delivery",                          State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /enrollments/{id}/receipt",                           State,              Yes,   Yes, Yes,     Hidden,    No,           No),

        new("POST /batches",                                            Yes,                Yes,   Yes, Yes,     Scope,     No,           No),
        new("GET /batches",                                             Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("GET /batches/{id}",                                        Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),
        new("PUT /batches/{id}/file",                                   State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /batches/{id}/checking",                              State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /batches/{id}/making",                                State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /batches/{id}/cancellation",                          State,              Yes,   Yes, Yes,     Hidden,    No,           No),
        new("GET /batches/{id}/rows",                                   Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),
        new("GET /batches/{id}/applications",                   Refusal.Malformed,          Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /batches/{id}/submission",                    Refusal.Malformed,          Yes,   Yes, Yes,     Hidden,    No,           No),
        new("POST /batches/{id}/review",                        Refusal.Malformed,          No,    Yes, Yes,     Hidden,    No,           No),
        new("GET /batches/{id}/rejects",                                Yes,                Yes,   Yes, Yes,     Hidden,    No,           No),

        new("GET /certificates",                                        Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes),
        new("GET /certificates/{issuer}/{serial}",                      Yes,                Yes,   Yes, Yes,     Hidden,    Yes,          Yes),

        new("GET /openapi/v1.json",                                     Yes,                Yes,   Yes, Yes,     Yes,       Yes,          Yes) { IsForEveryLink = true },
    ];
}
