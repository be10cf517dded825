using System.Security.Cryptography;
using System.Text.Json;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Batches;

/// <summary>What a batch was asked for, as it lies sealed in its row. Names persons: never into logs.</summary>
internal sealed record BatchContent
{
    public const int MaxRows = 100_000;

    private const string Field = "content";
    private const int MaxWithinDays = 366;

    public int? Rows { get; init; }

    public int? WithinDays { get; init; }

    public string? Profile { get; init; }

    /// <summary>16 bytes.</summary>
    public byte[]? Organization { get; init; }

    public string? RevocationReason { get; init; }

    public string? AgentName { get; init; }

    public string? AgentNumber { get; init; }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: something is missing, or is not for this kind.</exception>
    public static BatchContent Read(BatchKind kind, BatchRequest request)
    {
        Require(kind == BatchKind.Import || request.Rows is null, "只有导入批次填写行数。");
        Require(request.Rows is null or (> 0 and <= MaxRows), $"行数应为1至{MaxRows}。");
        Require(
            kind == BatchKind.Renewal ? request.WithinDays is > 0 and <= MaxWithinDays : request.WithinDays is null,
            kind == BatchKind.Renewal ? $"请填写多少天内到期（1至{MaxWithinDays}）。" : "只有更新批次填写到期天数。");
        Require(kind == BatchKind.Renewal || request.Profile is null, "只有更新批次填写业务类型。");
        Require(kind != BatchKind.Import || (request.Organization is null && request.Agent is null), "导入批次的单位和经办人在文件的各行中填写。");
        Require(kind != BatchKind.Revocation || request.Organization is not null, "请填写要吊销其证书的单位。");
        Require((kind == BatchKind.Revocation) == (request.RevocationReason is not null), kind == BatchKind.Revocation ? "请填写吊销原因。" : "只有吊销批次填写吊销原因。");
        Require(request.RevocationReason is null || CheckEnrollment.ReasonOf(request.RevocationReason) is not null, "没有该吊销原因。");
        return new BatchContent
        {
            Rows = request.Rows,
            WithinDays = request.WithinDays,
            Profile = request.Profile,
            Organization = request.Organization is null ? null : Page.Id(request.Organization),
            RevocationReason = request.RevocationReason,
            AgentName = request.Agent is { } agent ? PersonName.Parse(agent.Name).Reveal() : null,
            AgentNumber = request.Agent is { } person ? IdNumber.Parse(person.IdNumber).Reveal() : null,
        };
    }

    /// <param name="id">Of the batch.</param>
    public (byte[] KeyId, byte[] Sealed) Seal(PersonRegistry persons, byte[] id)
    {
        (byte[] keyId, byte[][] values) = persons.Seal(id, (Field, JsonSerializer.SerializeToUtf8Bytes(this)));
        return (keyId, values[0]);
    }

    public static async Task<BatchContent> OpenAsync(PersonRegistry persons, Batch batch, CancellationToken cancellationToken)
    {
        byte[] json = await persons.OpenAsync(batch.DataKeyId, batch.BatchId, Field, batch.ContentSealed, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize<BatchContent>(json)!;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(json);
        }
    }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(BatchContent);

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.Malformed, detail);
        }
    }
}
