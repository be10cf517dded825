using ZwCa.Contracts.Ra;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

internal sealed class Subscriber
{
    public required byte[] Id { get; init; }
    public required SubscriberKind Kind { get; init; }
    public required RegionCode Region { get; init; }
    public required string RevealName { get; init; }
    public required string RevealNumber { get; init; }
    public byte[]? PersonIndex { get; init; }
    public string? OrganizationName { get; init; }
}

internal sealed class SubscriberStore
{
    public Task<Subscriber?> FindAsync(byte[] id, CancellationToken cancellationToken) => Task.FromResult<Subscriber?>(null);
}

internal static class SubscriberName
{
    public static void Require(string text, string what)
    {
    }
}

internal static class SubscriberAnswers
{
    public static SubscriberAnswer Show(Subscriber subscriber) => throw new NotSupportedException();
}
