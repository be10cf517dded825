using System.Security.Cryptography;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>Registers a subscriber, or finds the one that has the number: of two that register him at once, both get the same one.</summary>
internal sealed class RegisterSubscriber(Database database, AuditLog log, PersonRegistry persons, SubscriberStore store, TimeProvider time)
{
    private const int IdLength = 16;

    /// <param name="keepAnswer">Run in the transaction with the id.</param>
    /// <returns>The id, 16 bytes.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/>, <see cref="Refusal.Malformed"/>, <see cref="Refusal.OutOfScope"/>; <see cref="Refusal.NotFound"/>: no such organisation;
    /// <see cref="Refusal.Duplicate"/>: the number is registered where the officer does not see it.
    /// </exception>
    /// <exception cref="Hsm.HsmException">The device is away.</exception>
    public async Task<byte[]> RunAsync(Officer officer, SubscriberRequest request, Func<Transaction, byte[], Task> keepAnswer, CancellationToken cancellationToken)
    {
        // Step 1: who asks, and whether it is a subscriber at all.
        SubscriberRules.RequireEntry(officer);
        SubscriberKind kind = SubscriberRules.ReadKind(request.Kind);
        var number = SubscriberNumber.Parse(kind, request.Number);
        var name = SubscriberName.Parse(kind, request.Name);
        RegionCode region = SubscriberRules.ReadRegion(officer, request.Region);
        byte[]? organization = SubscriberRules.ReadOrganization(kind, request.Organization);

        // Step 2: index and sealing before the unit of work, which waits for nobody and may be run twice. The id is no time: certificates name it.
        DateTimeOffset now = time.GetUtcNow();
        SubscriberRow row = store.Write(
            new SubscriberRow
            {
                SubscriberId = RandomNumberGenerator.GetBytes(IdLength),
                Kind = kind,
                Region = region.Value,
                PersonIndex = number.Person is { } person ? await persons.IndexAsync(person, cancellationToken) : null,
                OrganizationId = organization,
                Version = 1,
                RegisteredAt = now,
                ChangedAt = now,
            },
            number,
            name);
        return await database.WriteAsync(
            async transaction =>
            {
                // Step 3: who is registered already stays as he is. Elsewhere he is none of this officer's; that there is somebody has to be said.
                byte[] id = row.SubscriberId;
                SubscriberRow? known = await SubscriberStore.FindRowAsync(transaction, number, row.PersonIndex);
                if (known is null)
                {
                    await SubscriberRules.RequireRegionAsync(transaction, region);
                    if (organization is not null)
                    {
                        await SubscriberRules.RequireOrganizationAsync(transaction, officer, organization);
                    }

                    // Step 4: the row, whose unique index lets one of several through, with its event.
                    if (await SubscriberStore.TryInsertAsync(transaction, row))
                    {
                        await log.AppendAsync(transaction, EventOf(officer, row, number));
                    }
                    else
                    {
                        known = await SubscriberStore.FindRowAsync(transaction, number, row.PersonIndex);
                    }
                }

                if (known is not null)
                {
                    SubscriberRules.Require(
                        Subscriber.IsVisibleFrom(officer.Region, kind, RegionCode.Parse(known.Region)), Refusal.Duplicate, "该号码已在其他区域登记，请由登记地或上级的录入人员办理变更。");
                    id = known.SubscriberId;
                }

                await keepAnswer(transaction, id);
                return id;
            },
            cancellationToken);
    }

    /// <summary>That somebody was registered.</summary>
    public static AuditEvent EventOf(Officer officer, SubscriberRow row, SubscriberNumber number) =>
        new(officer.Actor, "subscriber.register", new AuditObject("subscriber", Convert.ToHexStringLower(row.SubscriberId)), AuditOutcome.Done)
        {
            Fields = [new AuditField.Text("kind", row.Kind.ToString().ToLowerInvariant()), new AuditField.Text("region", row.Region)],
            Personal = new Dictionary<string, string> { ["number"] = number.ToString() },
        };
}
