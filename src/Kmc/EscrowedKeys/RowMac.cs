using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>
/// Authenticates rows: whoever writes to the database past the service cannot change one, nor put one in place of another. A row that is put back as it was is found by its version, which the
/// log has. The key comes out of the device when the service starts, for each of a million rows would be a call otherwise. Safe for concurrent use.
/// </summary>
internal sealed class RowMac : IDisposable
{
    private const string Context = "ZWCA KMC rows 1";
    private const int Absent = -1;

    private readonly byte[] _key;

    private RowMac(byte[] key) => _key = key;

    /// <param name="key">An <see cref="HsmKeyKind.HmacSm3"/>, used for nothing else.</param>
    public static async Task<RowMac> OpenAsync(IHsm hsm, HsmKey key, CancellationToken cancellationToken = default) =>
        new(await hsm.ComputeHmacAsync(key, Encoding.ASCII.GetBytes(Context), cancellationToken));

    /// <returns>The row with its MAC.</returns>
    public EscrowedKey Seal(EscrowedKey row) => row with { Mac = Compute(row) };

    /// <returns>The row as it goes into history, sealed; the time to the millisecond.</returns>
    public EscrowedKey End(EscrowedKey row, KeyEnd reason, DateTimeOffset now) => Seal(row with
    {
        State = KeyState.History,
        StateVersion = row.StateVersion + 1,
        EndReason = reason,
        EndedAt = DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()),
    });

    /// <exception cref="TamperedRowException">It was changed.</exception>
    public EscrowedKey Open(EscrowedKey row) => IsIntact(row) ? row : throw new TamperedRowException(row.KeyId);

    /// <summary>For what was looked up by its binding, which has no MAC: the row itself has to say whose it is, or somebody's key would be taken for another's.</summary>
    /// <exception cref="TamperedRowException">It was changed, or is another certificate's.</exception>
    public EscrowedKey Open(EscrowedKey row, short ca, string serial) => IsIntact(row) && row.CaId == ca && row.Serial == serial ? row : throw new TamperedRowException(row.KeyId);

    /// <returns>False: it was changed.</returns>
    public bool IsIntact(EscrowedKey row) => CryptographicOperations.FixedTimeEquals(Compute(row), row.Mac);

    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    /// <summary>HMAC-SM3 over the table's name and every column but the MAC, each with its length in front.</summary>
    private byte[] Compute(EscrowedKey row)
    {
        using var content = new MemoryStream(1024);
        Add("escrowed_key"u8);
        Add(row.KeyId);
        Number((long)row.State);
        Number(row.StateVersion);
        Number(row.Algorithm);
        Add(row.PublicKey);
        Add(row.WrappedKey);
        Number(row.MadeAt.ToUnixTimeMilliseconds());
        Number(row.CaId);
        Text(row.Serial);
        Bytes(row.Recipient);
        Number(row.ValidFrom?.ToUnixTimeMilliseconds());
        Number(row.ValidUntil?.ToUnixTimeMilliseconds());
        Bytes(row.UserName);
        Text(row.Region);
        Number(row.BoundAt?.ToUnixTimeMilliseconds());
        Number((long?)row.EndReason);
        Number(row.EndedAt?.ToUnixTimeMilliseconds());
        return HmacSm3.HashData(_key, content.GetBuffer().AsSpan(0, (int)content.Length));

        void Add(ReadOnlySpan<byte> value)
        {
            Span<byte> length = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
            content.Write(length);
            content.Write(value);
        }

        void Bytes(byte[]? value)
        {
            if (value is not null)
            {
                Add(value);
                return;
            }

            Span<byte> absent = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(absent, Absent);
            content.Write(absent);
        }

        void Text(string? value) => Bytes(value is null ? null : Encoding.UTF8.GetBytes(value));

        void Number(long? value)
        {
            byte[]? bytes = null;
            if (value is { } there)
            {
                bytes = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64BigEndian(bytes, there);
            }

            Bytes(bytes);
        }
    }
}

/// <summary>A row of the KMC, or the binding that led to it, was changed past the service.</summary>
internal sealed class TamperedRowException(ReadOnlySpan<byte> keyId) : Exception($"The row of the key {Convert.ToHexStringLower(keyId)}, or its binding, was changed past the service.");
