using ZwCa.Asn1.Decisions;

namespace ZwCa.Officers;

/// <summary>What an operator does with an application.</summary>
public enum Duty
{
    /// <summary>录入: takes it in and answers for it.</summary>
    Entry,

    /// <summary>审核: decides about it.</summary>
    Review,

    /// <summary>制证: puts the certificates into the carrier.</summary>
    Production,
}

/// <summary>A role of GB/T 25056. Its name is in the officers' certificates.</summary>
/// <param name="Name">In Chinese, up to 64 characters.</param>
public sealed record Role(string Name, OfficerKind Kind)
{
    /// <summary>Created by the ceremony and by nobody else.</summary>
    public bool IsTop { get; init; }

    /// <summary>Names of the roles of the level below.</summary>
    public IReadOnlyList<string> Creates { get; init; } = [];

    public IReadOnlyList<Duty> Duties { get; init; } = [];
}
