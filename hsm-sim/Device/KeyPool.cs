using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// One private key as several objects of .NET, as many as there are processors: .NET does not promise that one object may sign on two threads at
/// once. Whoever finds none idle waits for one.
/// </summary>
internal sealed class KeyPool<T> : IDisposable
    where T : AsymmetricAlgorithm
{
    private readonly BlockingCollection<T> _idle = [];
    private readonly List<T> _all = [];

    /// <param name="pkcs8">Secret.</param>
    /// <exception cref="CryptographicException">Not such a key.</exception>
    public KeyPool(Func<T> create, ReadOnlySpan<byte> pkcs8)
    {
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            T key = create();
            _all.Add(key);
            key.ImportPkcs8PrivateKey(pkcs8, out _);
            _idle.Add(key);
        }
    }

    public T Take() => _idle.Take();

    public void Return(T key) => _idle.Add(key);

    public TResult Use<TResult>(Func<T, TResult> use)
    {
        T key = Take();
        try
        {
            return use(key);
        }
        finally
        {
            Return(key);
        }
    }

    public void Dispose()
    {
        _all.ForEach(static key => key.Dispose());
        _idle.Dispose();
    }
}
