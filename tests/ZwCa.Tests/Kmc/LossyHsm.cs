using System.Reflection;
using ZwCa.Hsm;

namespace ZwCa.Tests.Kmc;

/// <summary>A device whose answer to one call gets lost: it has done what it was asked, and nobody hears of it. Or that refuses a call.</summary>
internal class LossyHsm : DispatchProxy
{
    private IHsm _device = null!;

    /// <summary>Name of the method; null: no answer is lost.</summary>
    public string? Lose { get; set; }

    /// <summary>Name of the method; null: none is refused.</summary>
    public string? Refuse { get; set; }

    /// <summary>What happens, once, while an envelope is made; null: nothing.</summary>
    public Func<Task>? Meanwhile { get; set; }

    public static LossyHsm Over(IHsm device, out IHsm lossy)
    {
        lossy = Create<IHsm, LossyHsm>();
        var proxy = (LossyHsm)(object)lossy;
        proxy._device = device;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == Refuse)
        {
            return Task.FromException<KeyEnvelope>(new HsmException(HsmFailure.Refused, "The policy says no."));
        }

        if (targetMethod.Name == nameof(IHsm.EnvelopeKeyAsync) && Meanwhile is { } meanwhile)
        {
            Meanwhile = null;
            return AfterAsync(meanwhile, () => (Task<KeyEnvelope>)targetMethod.Invoke(_device, args)!);
        }

        object? answer = targetMethod.Invoke(_device, args);
        return answer switch
        {
            Task<KeyEnvelope> envelope when targetMethod.Name == Lose => LoseAsync(envelope),
            Task<byte[]> bytes when targetMethod.Name == Lose => LoseAsync(bytes),
            _ => answer,
        };
    }

    private static async Task<T> AfterAsync<T>(Func<Task> first, Func<Task<T>> then)
    {
        await first();
        return await then();
    }

    private async Task<T> LoseAsync<T>(Task<T> answer)
    {
        Lose = null;
        await answer;
        throw new HsmException(HsmFailure.NoAnswer, "The connection broke.");
    }
}
