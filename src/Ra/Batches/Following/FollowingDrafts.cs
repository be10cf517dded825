using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Following;

/// <summary>
/// Makes drafts about certificates, one each, as if a clerk had taken them in: <see cref="TakeInEnrollment"/> says what may be. A part's drafts, its refusals and how far it is are one transaction, so that
/// one that is begun again makes nothing twice.
/// </summary>
internal sealed class FollowingDrafts(TakeInEnrollment enrollments, EnrollmentStore store)
{
    private const int RowsOfPart = 200;
    private const int AtOnce = 8;

    /// <summary>What drafts were made about is not found again: another batch goes on with the rest. To refuse it all would leave no way, for an organisation cannot be asked for by halves.</summary>
    private static readonly string More = $"一个批次最多{BatchContent.MaxRows:N0}行：还有证书未列入本批次，请另建批次办理其余证书。";

    /// <param name="list">The next so many certificates after a position (null: from the beginning), without those about which drafts were made.</param>
    /// <param name="positionOf">Of a certificate, up to 512 characters.</param>
    /// <param name="contentOf">What the draft says, but for its agent.</param>
    public async Task RunAsync(
        BatchRun run,
        BatchContent content,
        EnrollmentKind kind,
        Func<string?, int, CancellationToken, Task<IReadOnlyList<FollowedCertificate>>> list,
        Func<FollowedCertificate, string> positionOf,
        Func<FollowedCertificate, CancellationToken, Task<EnrollmentContent>> contentOf,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            int most = (int)Math.Min(RowsOfPart, BatchContent.MaxRows - run.Task.Reached);
            IReadOnlyList<FollowedCertificate> found = await list(run.Task.Position, Math.Max(most, 1), cancellationToken);
            if (found.Count == 0 || most == 0)
            {
                await run.AdvanceAsync(run.Task with { State = BatchTaskState.Done, RowCount = run.Task.Reached, Reason = found.Count == 0 ? null : More }, [], null, cancellationToken);
                return;
            }

            // Step 1: each as it would be, or why it cannot.
            var drafts = new Enrollment?[found.Count];
            string?[] reasons = new string?[found.Count];
            await Parallel.ForAsync(0, found.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (i, cancellation) =>
            {
                try
                {
                    drafts[i] = await enrollments.PrepareAsync(run.Officer, RequestOf(run.Batch, content, kind, found[i], await contentOf(found[i], cancellation)), cancellation);
                }
                catch (RefusalException e) when (!RunBatches.IsPassing(e))
                {
                    reasons[i] = e.Message;
                }
            });

            // Step 2: all of them; where one is refused in between, all but that.
            FaultPoint.Reach("batch-prepared");
            while (!await TryStoreAsync(run, kind, drafts, reasons, positionOf(found[^1]), cancellationToken))
            {
                // Each time there is one draft less.
            }

            FaultPoint.Reach("batch-part");
        }
    }

    /// <returns>False: one has turned out to be refused, and nothing was stored.</returns>
    private async Task<bool> TryStoreAsync(BatchRun run, EnrollmentKind kind, Enrollment?[] drafts, string?[] reasons, string position, CancellationToken cancellationToken)
    {
        long first = run.Task.Reached + 1;
        int at = 0;
        try
        {
            await run.AdvanceAsync(
                run.Task with
                {
                    Reached = run.Task.Reached + drafts.Length,
                    Position = position,
                    Done = run.Task.Done + drafts.Count(each => each is not null),
                    Refused = run.Task.Refused + reasons.Count(each => each is not null),
                },
                [.. reasons.Index().Where(each => each.Item is not null).Select(each => new BatchRefusal { RowNumber = first + each.Index, Reason = each.Item! })],
                async transaction =>
                {
                    for (at = 0; at < drafts.Length; at++)
                    {
                        if (drafts[at] is { } draft)
                        {
                            await RequireNoneOpenAsync(transaction, kind, draft);
                            await store.InsertAsync(transaction, draft, run.Officer.Actor);
                        }
                    }

                    await BatchStore.AddRowsAsync(
                        transaction,
                        run.Batch.BatchId,
                        [.. drafts.Index().Where(each => each.Item is not null).Select(each => new BatchRow { RowNumber = first + each.Index, EnrollmentId = each.Item!.EnrollmentId })]);
                },
                cancellationToken);
            return true;
        }
        catch (RefusalException e) when (at < drafts.Length && !RunBatches.IsPassing(e))
        {
            (drafts[at], reasons[at]) = (null, e.Message);
            return false;
        }
    }

    /// <summary>A clerk was faster. Of a renewal the key says so.</summary>
    private static async Task RequireNoneOpenAsync(Transaction transaction, EnrollmentKind kind, Enrollment draft)
    {
        if (await transaction.GetAsync<long>(
            "SELECT COUNT(*) FROM enrollment WHERE certificate_issuer = @CertificateIssuer AND certificate_serial = @CertificateSerial AND kind = @Kind AND is_open = 1",
            new { draft.CertificateIssuer, draft.CertificateSerial, Kind = kind }) > 0)
        {
            throw new RefusalException(Refusal.Duplicate, "该证书已有同类在办业务。");
        }
    }

    private static EnrollmentRequest RequestOf(Batch batch, BatchContent batchContent, EnrollmentKind kind, FollowedCertificate certificate, EnrollmentContent content) => new()
    {
        Kind = EnrollmentNames.NameOf(kind),
        Region = certificate.RegionOfDraft(batch.RegionCode, needsOrigin: kind == EnrollmentKind.Revoke),
        Subscriber = Convert.ToHexStringLower(certificate.SubscriberId),
        Certificate = new CertificateName(certificate.Issuer, certificate.Serial),
        Csr = content.Csr,
        Days = content.Days,
        Departments = content.Departments,
        AlternativeNames = content.AlternativeNames,
        RevocationReason = content.RevocationReason,
        Agent = certificate.SubscriberKind == SubscriberKind.Person || batchContent.AgentName is null
            ? null
            : new AgentRequest { Name = batchContent.AgentName, IdNumber = batchContent.AgentNumber! },
    };
}
