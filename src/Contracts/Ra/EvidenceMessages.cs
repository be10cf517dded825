namespace ZwCa.Contracts.Ra;

/// <summary>A piece of evidence of an enrollment: <c>POST /enrollments/{id}/evidence?title=</c> with the file as the body.</summary>
public sealed record EvidenceAnswer
{
    /// <summary>SM3 of the file, 64 lower-case hexadecimal digits: its name in addresses.</summary>
    public required string Hash { get; init; }

    public required string Title { get; init; }

    /// <summary>application/pdf, image/png, image/jpeg: by what the file is.</summary>
    public required string MediaType { get; init; }

    /// <summary>In bytes.</summary>
    public required long Length { get; init; }
}
