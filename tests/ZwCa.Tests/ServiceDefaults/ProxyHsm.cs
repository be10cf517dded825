using System.Reflection;
using ZwCa.Hsm;

namespace ZwCa.Tests.ServiceDefaults;

/// <summary>A device that has a token and gives random bytes, or is away.</summary>
internal class ProxyHsm : DispatchProxy
{
    private HsmToken _token = null!;
    private bool _away;

    public static IHsm Create(bool away = false, StoreMarks marks = StoreMarks.None, DateTimeOffset? lastBackup = null, int? keysWithoutBackup = null)
    {
        IHsm hsm = Create<IHsm, ProxyHsm>();
        var proxy = (ProxyHsm)(object)hsm;
        proxy._away = away;
        proxy._token = new HsmToken("ca", "1", "test double", HsmCapabilities.Random, new HashSet<HsmKeyKind>())
        {
            Marks = marks, LastBackup = lastBackup, KeysWithoutBackup = keysWithoutBackup,
        };
        return hsm;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
    {
        "get_Token" => _token,
        nameof(IAsyncDisposable.DisposeAsync) => default(ValueTask),
        nameof(IHsm.GetRandomAsync) when !_away => Task.FromResult(new byte[(int)args![0]!]),
        _ => throw new HsmException(HsmFailure.Unreachable, "The device is away."),
    };
}
