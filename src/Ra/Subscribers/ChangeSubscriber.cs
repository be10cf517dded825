using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>Changes a subscriber's name, region and organisation. Kind and number are what he is, and stay.</summary>
internal sealed class ChangeSubscriber(Database database, AuditLog log, SubscriberStore store, TimeProvider time)
{
    /// <param name="id">16 bytes.</param>
    /// <param name="keepAnswer">Run in the transaction.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/>, <see cref="Refusal.Malformed"/>, <see cref="Refusal.OutOfScope"/>; <see cref="Refusal.NotFound"/>: no such subscriber in the officer's region, or no such
    /// organisation; <see cref="Refusal.WrongState"/>: changed since it was shown.
    /// </exception>
    public async Task RunAsync(Officer officer, byte[] id, SubscriberRequest request, Func<Transaction, Task> keepAnswer, CancellationToken cancellationToken)
    {
        // Step 1: who asks, and about whom. What he only gets to see, an organisation above him, he does not change.
        SubscriberRules.RequireEntry(officer);
        SubscriberRow? row = await database.ReadAsync(transaction => SubscriberStore.FindRowAsync(transaction, id), cancellationToken);
        Subscriber? present = row is null ? null : await store.OpenAsync(row, cancellationToken);
        if (row is null || present is null || !officer.Region.Covers(present.Region))
        {
            throw SubscribersApi.NotFound();
        }

        // Step 2: what stays as it is.
        SubscriberRules.Require(SubscriberRules.ReadKind(request.Kind) == present.Kind, Refusal.Malformed, "用户类别不得变更。");
        SubscriberRules.Require(
            request.Number is null || SubscriberNumber.Parse(present.Kind, request.Number).Reveal() == present.Number.Reveal(), Refusal.Malformed, "号码不得变更：号码不同即为另一用户，请另行登记。");

        // Step 3: what changes, sealed anew: a row has one key.
        RegionCode region = SubscriberRules.ReadRegion(officer, request.Region);
        SubscriberName name = request.Name is null ? present.Name : SubscriberName.Parse(present.Kind, request.Name);
        byte[]? organization = SubscriberRules.ReadOrganization(present.Kind, request.Organization);
        bool moves = !organization.AsSpan().SequenceEqual(present.OrganizationId);
        string[] changed =
        [
            .. name.Reveal() == present.Name.Reveal() ? (string[])[] : ["name"],
            .. region == present.Region ? (string[])[] : ["region"],
            .. moves ? (string[])["organization"] : [],
        ];
        SubscriberRow next = store.Write(row with { Region = region.Value, OrganizationId = organization, Version = request.Version, ChangedAt = time.GetUtcNow() }, present.Number, name);
        await database.WriteAsync(
            async transaction =>
            {
                await SubscriberRules.RequireRegionAsync(transaction, region);
                if (moves && organization is not null)
                {
                    await SubscriberRules.RequireOrganizationAsync(transaction, officer, organization);
                }

                // Step 4: only the row that was shown: what another has changed since then is not lost.
                SubscriberRules.Require(
                    request.Version == row.Version && await SubscriberStore.TryChangeAsync(transaction, next), Refusal.WrongState, "该用户的登记信息已被他人修改，请刷新后再改。");
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(officer.Actor, "subscriber.change", new AuditObject("subscriber", Convert.ToHexStringLower(id)), AuditOutcome.Done)
                    {
                        Fields =
                        [
                            new AuditField.Text("region", region.Value),
                            new AuditField.Number("version", row.Version + 1),
                            .. changed.Length == 0 ? (AuditField[])[] : [new AuditField.Text("changed", string.Join(',', changed))],
                        ],
                    });
                await keepAnswer(transaction);
            },
            cancellationToken);
    }
}
