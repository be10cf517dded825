using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// A partition from the start of the process on: locked until enough of its holders have entered their shares. A share is held against its
/// commitment at once, so a wrong one is told before the others are there, and harms nothing.
/// </summary>
internal sealed class Partition : IAsyncDisposable
{
    private readonly PartitionFolder _folder;
    private readonly PartitionHeader _header;
    private readonly FaultKnobs _faults;
    private readonly TimeProvider _clock;
    private readonly Func<OpenedPartition, OpenPartition> _open;
    private readonly Action<string> _notify;

    // One share at a time, and none while the store opens.
    private readonly SemaphoreSlim _turn = new(1);

    // By index, in pinned memory; zeroed when the partition opens or fails to. Changed in turn and under the lock.
    private readonly SortedDictionary<int, byte[]> _shares = [];
    private readonly Lock _sharesGate = new();

    private volatile Unlocked? _unlocked;
    private bool _disposed;

    /// <param name="open">Makes the device of the opened store, which is the device's from then on.</param>
    /// <param name="notify">Is told what the operator should know of the opening.</param>
    /// <exception cref="StoreException">The header is damaged or missing.</exception>
    public Partition(PartitionFolder folder, FaultKnobs faults, TimeProvider clock, Func<OpenedPartition, OpenPartition> open, Action<string> notify)
    {
        _folder = folder;
        _header = folder.ReadHeader();
        _faults = faults;
        _clock = clock;
        _open = open;
        _notify = notify;
    }

    public string Name => _folder.Name;

    /// <summary>16 bytes.</summary>
    public ReadOnlyMemory<byte> Id => _header.Id;

    public bool IsOpen => _unlocked is not null;

    /// <exception cref="HsmException"><see cref="HsmFailure.Locked"/>: shares are missing; says how many.</exception>
    public OpenPartition Open => _unlocked?.Device
        ?? throw new HsmException(HsmFailure.Locked, $"The partition {Name} is locked: {CountMissing()} of {_header.Threshold} shares are missing.");

    /// <exception cref="HsmException"><see cref="HsmFailure.KeyNotFound"/>: nobody with that key is a holder.</exception>
    public EncryptedShare GetShare(ReadOnlyMemory<byte> holderKey)
    {
        Holder holder = _header.Holders.FirstOrDefault(h => h.PublicKey.Span.SequenceEqual(holderKey.Span))
            ?? throw new HsmException(HsmFailure.KeyNotFound, $"Nobody with that key is a holder of the partition {Name}.");
        return new EncryptedShare(holder.Index, holder.EncryptedShare);
    }

    /// <summary>Takes a share; the one that completes them opens the partition. One that was entered before counts once.</summary>
    /// <returns>How many are still missing.</returns>
    /// <exception cref="HsmException">The share is wrong (its holder is named), or the store cannot be opened (the reason is given).</exception>
    public async Task<int> EnterShareAsync(int index, ReadOnlyMemory<byte> share)
    {
        Holder holder = _header.Holders.FirstOrDefault(h => h.Index == index)
            ?? throw new HsmException(HsmFailure.BadInput, $"The partition {Name} has no share {index}, only 1 to {_header.Holders.Count}.");
        if (share.Length != MasterKey.Length
            || !CryptographicOperations.FixedTimeEquals(PartitionHeader.Commit(Id.Span, index, share.Span), holder.Commitment.Span))
        {
            throw new HsmException(HsmFailure.WrongCredential, $"The share of {holder.Name} for the partition {Name} is wrong.");
        }

        await _turn.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (IsOpen)
            {
                return 0;
            }

            lock (_sharesGate)
            {
                if (!_shares.ContainsKey(index))
                {
                    byte[] kept = GC.AllocateArray<byte>(MasterKey.Length, pinned: true);
                    share.CopyTo(kept);
                    _shares.Add(index, kept);
                }
            }

            if (CountMissing() == 0)
            {
                await OpenAsync(CombineShares);
            }

            return CountMissing();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Opens with the key that lies beside a store made with auto-unlock; only if its header, authenticated by that key, says so too.</summary>
    /// <returns>False: there is no such key.</returns>
    /// <exception cref="HsmException">The partition is not marked so, or the store cannot be opened.</exception>
    public async Task<bool> TryAutoUnlockAsync()
    {
        await _turn.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (IsOpen)
            {
                return true;
            }

            if (!File.Exists(_folder.AutoUnlockPath))
            {
                return false;
            }

            await OpenAsync(ReadAutoUnlockKey);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    public PartitionStatus Status()
    {
        Unlocked? unlocked = _unlocked;
        string[] entered;
        lock (_sharesGate)
        {
            entered = unlocked?.Entered ?? NamesOf(_shares.Keys);
        }

        string[] holders = [.. _header.Holders.Select(h => h.Name)];
        if (unlocked is null)
        {
            return new PartitionStatus(
                Name, Id, _header.Threshold, holders, entered, _header.Threshold - entered.Length, _header.Marks, 0, 0, LastBackup: -1, PolicyVersion: 0, Epoch: 0);
        }

        PartitionStore store = unlocked.Store;
        lock (store.Gate)
        {
            PartitionState state = store.State;
            return new PartitionStatus(
                Name,
                Id,
                _header.Threshold,
                holders,
                entered,
                SharesMissing: 0,
                state.Marks,
                state.Keys.Count,
                state.KeysWithoutBackup,
                state.LastBackup?.Time ?? -1,
                state.Policy.Version,
                state.Epoch);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            _disposed = true;
            ForgetShares();
            if (_unlocked is { } unlocked)
            {
                await unlocked.Device.DisposeAsync();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task OpenAsync(Func<MasterKey> obtainKey)
    {
        MasterKey? master = null;
        PartitionStore? store = null;
        try
        {
            master = obtainKey();
            string[] entered;
            lock (_sharesGate)
            {
                entered = NamesOf(_shares.Keys);
            }

            OpenedPartition opened = await Task.Run(() => _folder.Open(master, _faults, _clock, _notify));
            store = opened.Store;
            if (!opened.Header.Bytes.Span.SequenceEqual(_header.Bytes.Span))
            {
                throw new StoreException("Its header was changed while the device ran, or before. Start the device anew.");
            }

            if (_faults.Enabled)
            {
                await MarkFaultsAsync(store);
            }

            _unlocked = new Unlocked(_open(opened), store, entered);
            master = null;
            store = null;
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new HsmException(HsmFailure.DeviceError, $"The partition {Name} cannot be opened. {e.Message}", e);
        }
        finally
        {
            ForgetShares();
            if (store is not null)
            {
                await store.DisposeAsync();
            }

            master?.Dispose();
        }
    }

    // Durable before anything is served: whoever sees the device misbehave finds the mark.
    private static async Task MarkFaultsAsync(PartitionStore store)
    {
        long position;
        lock (store.Gate)
        {
            if (store.State.Marks.HasFlag(StoreMarks.Faults))
            {
                return;
            }

            position = store.Append(new StoreRecord.Marked(StoreMarks.Faults));
        }

        await store.WaitDurableAsync(position);
    }

    private MasterKey CombineShares()
    {
        byte[] secret = GC.AllocateArray<byte>(MasterKey.Length, pinned: true);
        try
        {
            lock (_sharesGate)
            {
                SecretSharing.Combine([.. _shares.Keys], [.. _shares.Values], secret);
            }

            return new MasterKey(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private MasterKey ReadAutoUnlockKey()
    {
        byte[] secret = GC.AllocateArray<byte>(MasterKey.Length, pinned: true);
        try
        {
            using (SafeFileHandle file = File.OpenHandle(_folder.AutoUnlockPath))
            {
                if (RandomAccess.GetLength(file) != secret.Length || RandomAccess.Read(file, secret, 0) != secret.Length)
                {
                    throw new StoreException("The key beside it has not 32 bytes. Remove it; the holders unlock the partition.");
                }
            }

            var master = new MasterKey(secret);
            if (_header.IsAuthentic(master) && _header.Marks.HasFlag(StoreMarks.AutoUnlock))
            {
                return master;
            }

            master.Dispose();
            throw new StoreException("The key beside it is not its own, or it was not made with auto-unlock. Remove the key; the holders unlock it.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private int CountMissing()
    {
        lock (_sharesGate)
        {
            return IsOpen ? 0 : _header.Threshold - _shares.Count;
        }
    }

    private void ForgetShares()
    {
        lock (_sharesGate)
        {
            foreach (byte[] share in _shares.Values)
            {
                CryptographicOperations.ZeroMemory(share);
            }

            _shares.Clear();
        }
    }

    private string[] NamesOf(IEnumerable<int> indices) => [.. indices.Select(index => _header.Holders[index - 1].Name)];

    private sealed record Unlocked(OpenPartition Device, PartitionStore Store, string[] Entered);
}
