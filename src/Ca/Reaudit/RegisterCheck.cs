using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Registrations;
using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>Compares what officers register, which decides about certificates to come, with the commands that they signed: profiles in use, regions, RAs; and the commands with the log. Safe for concurrent use.</summary>
internal sealed class RegisterCheck(OrderedCommands commands, ProfileStore profiles, Places places, AuthorityList authorities)
{
    /// <returns>What does not agree, by <c>profile/NAME</c>, <c>region/CODE</c>, <c>ra/NAME</c>, <c>command/ID</c>.</returns>
    public async Task<IReadOnlyList<(string ObjectId, Discrepancy What)>> JudgeAsync(Transaction transaction)
    {
        var found = new List<(string, Discrepancy)>();
        foreach (string name in await profiles.ListUnprovenAsync(transaction))
        {
            found.Add(($"profile/{name}", new Discrepancy("profile", "nobody who may has put its active version into use")));
        }

        foreach (string code in await places.ListUnsignedAsync(transaction))
        {
            found.Add(($"region/{code}", new Discrepancy("region", "it is not registered as officers signed it")));
        }

        await JudgeRasAsync(transaction, found);
        await JudgeCommandsAsync(transaction, found);
        return found;
    }

    /// <summary>Every one that was done, or is said to be approved: with the events of it, from when its officers were in office.</summary>
    private static async Task JudgeCommandsAsync(Transaction transaction, List<(string, Discrepancy)> found)
    {
        foreach (byte[] id in await transaction.QueryAsync<byte[]>(
            "SELECT command_id FROM officer_command WHERE state = 1 OR command_id IN (SELECT command_id FROM command_review) ORDER BY command_id"))
        {
            string name = Convert.ToHexStringLower(id);
            if (await CertificateRecords.FindCommandAsync(transaction, name) is { } command && !await IsLoggedAsync(transaction, name, command))
            {
                found.Add(($"command/{name}", new Discrepancy("missing", "the log does not have who has proposed and approved it, or one of them was in office no more")));
            }
        }
    }

    private static async Task<bool> IsLoggedAsync(Transaction transaction, string id, CommandRow command)
    {
        try
        {
            Application application = Der.Decode<Application>(command.Application);
            return application.EnrollmentId == id && await CommandEvents.FindPlaceAsync(transaction, application, command) is not null;
        }
        catch (DerException)
        {
            return false;
        }
    }

    private async Task JudgeRasAsync(Transaction transaction, List<(string, Discrepancy)> found)
    {
        // What was said last counts; what an RA is, and whether it may ask for anything, are said apart.
        var registered = new Dictionary<string, RaRegistration>(StringComparer.Ordinal);
        foreach (OrderedCommand command in await ListAsync<RaRegistration>(transaction, RaActions.Register, RaActions.Change))
        {
            RaRegistration registration = Der.Decode<RaRegistration>(command.Body.Parameters);
            if (registration.Region == command.Region)
            {
                registered[registration.Name] = registration;
            }
        }

        var disabled = new HashSet<string>(StringComparer.Ordinal);
        foreach (OrderedCommand command in await ListAsync<RaSwitch>(transaction, RaActions.Disable, RaActions.Enable))
        {
            string name = Der.Decode<RaSwitch>(command.Body.Parameters).Name;
            if (registered.GetValueOrDefault(name)?.Region == command.Region && !(command.Body.Action == RaActions.Disable ? disabled.Add(name) : disabled.Remove(name)))
            {
                found.Add((IdOf(name), new Discrepancy("ra", "two commands after one another have done the same to it")));
            }
        }

        ILookup<string, RaStore.ScopeRow> scopes = (await RaStore.ListScopeAsync(transaction)).ToLookup(each => each.RaName, StringComparer.Ordinal);
        IReadOnlyList<RegistrationAuthority> ras = await RaStore.ListAsync(transaction);
        foreach (RegistrationAuthority ra in ras)
        {
            string? wrong = !registered.TryGetValue(ra.RaName, out RaRegistration? registration) ? "no officers have registered it"
                : registration.Entity != ra.Entity || registration.Region != ra.Region ? "its entity or region is another than officers signed"
                : registration.Quota != ra.Quota ? "its quota is another than officers signed"
                : ra.Enabled == disabled.Contains(ra.RaName) ? "whether it is enabled is not as officers signed"
                : !IsScope(registration, scopes[ra.RaName]) ? "its scope is another than officers signed"
                : null;
            if (wrong is not null)
            {
                found.Add((IdOf(ra.RaName), new Discrepancy("ra", wrong)));
            }
        }

        found.AddRange(registered.Keys.Except(ras.Select(each => each.RaName)).Select(name => (IdOf(name), new Discrepancy("ra", "officers have registered it; its row is gone"))));
        foreach (Counted each in await transaction.QueryAsync<Counted>(
            """
            SELECT r.ra_name, r.issued, (SELECT COUNT(*) FROM certificate c WHERE c.ra_name = r.ra_name AND c.tbs IS NOT NULL) AS intended
            FROM registration_authority r ORDER BY r.ra_name
            """))
        {
            if (each.Issued != each.Intended)
            {
                found.Add((IdOf(each.RaName), new Discrepancy("ra", $"its quota is counted to {each.Issued}, and {each.Intended} certificates are its")));
            }
        }
    }

    private static string IdOf(string ra) => $"ra/{ra}";

    private bool IsScope(RaRegistration registration, IEnumerable<RaStore.ScopeRow> rows) =>
        registration.Scope.Select(each => (each.Profile, authorities.Find(each.Issuer.Span)?.Id)).ToHashSet().SetEquals(rows.Select(row => (row.Profile, (short?)row.AuthorityId)));

    private async Task<IReadOnlyList<OrderedCommand>> ListAsync<T>(Transaction transaction, string first, string second)
        where T : IDer<T>
    {
        IReadOnlyList<OrderedCommand> one = await commands.ListAsync<T>(transaction, first, static _ => true);
        return OrderedCommands.InOrder(one.Concat(await commands.ListAsync<T>(transaction, second, static _ => true)));
    }

    private sealed record Counted
    {
        public required string RaName { get; init; }

        public required long Issued { get; init; }

        public required long Intended { get; init; }
    }
}
