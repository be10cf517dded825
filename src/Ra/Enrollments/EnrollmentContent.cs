using System.Security.Cryptography;
using System.Text.Json;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;

namespace ZwCa.Ra.Enrollments;

/// <summary>What is applied for, as it lies sealed in the enrollment's row. Names persons: never into logs.</summary>
internal sealed record EnrollmentContent
{
    private const string Field = "content";

    /// <summary>DER of PKCS #10.</summary>
    public byte[]? Csr { get; init; }

    public int? Days { get; init; }

    public IReadOnlyList<string> Departments { get; init; } = [];

    public IReadOnlyList<string> AlternativeNames { get; init; } = [];

    public string? RevocationReason { get; init; }

    public string? AgentName { get; init; }

    public string? AgentNumber { get; init; }

    /// <summary>Of a recovery: the signing certificate to whose key the other one comes.</summary>
    public CertificateName? Recipient { get; init; }

    /// <param name="id">Of the enrollment.</param>
    public (byte[] KeyId, byte[] Sealed) Seal(PersonRegistry persons, byte[] id)
    {
        (byte[] keyId, byte[][] sealedValues) = persons.Seal(id, (Field, JsonSerializer.SerializeToUtf8Bytes(this)));
        return (keyId, sealedValues[0]);
    }

    public static async Task<EnrollmentContent> OpenAsync(PersonRegistry persons, Enrollment row, CancellationToken cancellationToken)
    {
        byte[] json = await persons.OpenAsync(row.DataKeyId, row.EnrollmentId, Field, row.ContentSealed, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize<EnrollmentContent>(json)!;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(json);
        }
    }

    /// <summary>Of the agent, masked. Null: none.</summary>
    public string? MaskedAgent => AgentName is null ? null : $"{PersonName.Parse(AgentName)} {IdNumber.Parse(AgentNumber)}";

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static EnrollmentContent Read(EnrollmentRequest request) => new()
    {
        Csr = request.Csr,
        Days = request.Days,
        Departments = request.Departments,
        AlternativeNames = request.AlternativeNames,
        RevocationReason = request.RevocationReason,
        AgentName = request.Agent is { } agent ? PersonName.Parse(agent.Name).Reveal() : null,
        AgentNumber = request.Agent is { } person ? IdNumber.Parse(person.IdNumber).Reveal() : null,
        Recipient = request.Recipient,
    };

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(EnrollmentContent);
}
