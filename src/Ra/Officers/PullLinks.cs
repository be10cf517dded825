using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ra.Officers;

/// <summary>Makes the links of officers those that the CA's directory has: which of their certificates are heard here. Safe for concurrent use.</summary>
internal sealed partial class PullLinks(Database database, ClientStore clients, ILogger<PullLinks> logger)
{
    /// <summary>Of one transaction.</summary>
    private const int Changes = 100;

    private const int ThumbprintLength = 64;

    /// <param name="hold">Whether the pull may still write.</param>
    /// <returns>How many links contradict what is registered; null: the pull may not write any more.</returns>
    public async Task<int?> RunAsync(IReadOnlyList<DirectoryOfficer> officers, Func<Transaction, Task<bool>> hold, AuditActor actor, CancellationToken cancellationToken)
    {
        Dictionary<string, LinkRow> here = (await database.QueryAsync<LinkRow>("SELECT thumbprint, name, kind, enabled FROM registered_client", cancellationToken: cancellationToken))
            .ToDictionary(each => each.Thumbprint);
        var told = new Dictionary<string, string>();
        foreach (DirectoryOfficer officer in officers.Where(each => each.Enabled))
        {
            foreach (string thumbprint in officer.Links)
            {
                told[thumbprint] = officer.Person;
            }
        }

        // What the directory gives to an officer and this RA knows as somebody else's is nobody's.
        string[] bad =
        [
            .. told.Where(each => each.Key.Length != ThumbprintLength || !each.Key.All(char.IsAsciiHexDigitLower)
                || (here.TryGetValue(each.Key, out LinkRow? row) && (row.Kind != ClientKind.Officer || row.Name != each.Value))).Select(each => each.Key),
        ];
        foreach (string thumbprint in bad)
        {
            LogSkipped(logger, thumbprint);
            told.Remove(thumbprint);
        }

        List<Func<Transaction, Task>> changes =
        [
            .. here.Values.Where(each => each is { Kind: ClientKind.Officer, Enabled: true } && !told.ContainsKey(each.Thumbprint))
                .Select<LinkRow, Func<Transaction, Task>>(each => transaction => clients.SwitchAsync(transaction, actor, each.Thumbprint, enabled: false)),
            .. told.Where(each => here.TryGetValue(each.Key, out LinkRow? row) && !row.Enabled)
                .Select<KeyValuePair<string, string>, Func<Transaction, Task>>(each => transaction => clients.SwitchAsync(transaction, actor, each.Key, enabled: true)),
            .. told.Where(each => !here.ContainsKey(each.Key))
                .Select<KeyValuePair<string, string>, Func<Transaction, Task>>(each => transaction => clients.RegisterAsync(transaction, actor, each.Key, each.Value, ClientKind.Officer)),
        ];
        foreach (Func<Transaction, Task>[] some in changes.Chunk(Changes))
        {
            bool held = await database.WriteAsync(
                async transaction =>
                {
                    if (!await hold(transaction))
                    {
                        return false;
                    }

                    foreach (Func<Transaction, Task> change in some)
                    {
                        await change(transaction);
                    }

                    return true;
                },
                cancellationToken);
            if (!held)
            {
                return null;
            }
        }

        return bad.Length;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The link {Thumbprint} of the CA's directory is left out: it is somebody else's here")]
    private static partial void LogSkipped(ILogger logger, string thumbprint);

    private sealed record LinkRow
    {
        public required string Thumbprint { get; init; }

        public required string Name { get; init; }

        public required ClientKind Kind { get; init; }

        public required bool Enabled { get; init; }
    }
}
