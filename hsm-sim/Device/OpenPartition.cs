using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Device;

/// <summary>What an unlocked partition does. Every method throws <see cref="HsmException"/> where it does not.</summary>
internal sealed class OpenPartition : IAsyncDisposable
{
    /// <summary>Whether a client's certificate and secret are those that the policy names.</summary>
    /// <param name="certificateHash">SHA-256, 32 bytes.</param>
    /// <param name="secret">32 bytes.</param>
    public bool Accepts(ReadOnlySpan<byte> certificateHash, ReadOnlySpan<byte> secret) => throw new NotImplementedException();

    public Welcome Welcome() => throw new NotImplementedException();

    public Task<KeyDescription> FindKeyAsync(KeyLabel label) => throw new NotImplementedException();

    public Task<KeyDescription> GenerateKeyAsync(NewKey request) => throw new NotImplementedException();

    /// <summary>One digest or many.</summary>
    public Task<Bytes> SignAsync(SignRequest request) => throw new NotImplementedException();

    public Task<Number> CountSignaturesAsync(KeyLabel label) => throw new NotImplementedException();

    public Bytes GetRandom(int count) => throw new NotImplementedException();

    public Bytes ComputeHmac(KeyedData request) => throw new NotImplementedException();

    public Bytes WrapKey(WrapRequest request) => throw new NotImplementedException();

    public Bytes UnwrapKey(WrapRequest request) => throw new NotImplementedException();

    public Bytes Decrypt(KeyedData request) => throw new NotImplementedException();

    public Pairs GenerateWrappedPairs(PairsRequest request) => throw new NotImplementedException();

    public Task<Envelope> EnvelopeKeyAsync(EnvelopeRequest request) => throw new NotImplementedException();

    /// <returns>DER of PartitionPolicy.</returns>
    public Bytes GetPolicy() => throw new NotImplementedException();

    /// <param name="statement">DER of SignedStatement.</param>
    public Task InstallPolicyAsync(ReadOnlyMemory<byte> statement) => throw new NotImplementedException();

    /// <param name="statement">DER of SignedStatement.</param>
    /// <returns>The backup file's content.</returns>
    public Task<Bytes> BackUpAsync(ReadOnlyMemory<byte> statement) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
