namespace ZwCa.HsmSim.Store;

/// <summary>One of the n persons of whom m together open a partition.</summary>
/// <param name="Name">1 to 256 bytes of UTF-8, unique in the partition.</param>
/// <param name="PublicKey">SM2, 04‖X‖Y, unique in the partition.</param>
/// <param name="Index">Of the share, from 1.</param>
/// <param name="EncryptedShare">The share encrypted to the public key: 04‖X‖Y‖C3‖C2.</param>
/// <param name="Commitment">SM3("share" ‖ partition id ‖ index ‖ share), 32 bytes: tells a wrong share before there is a master key.</param>
internal sealed record Holder(
    string Name, ReadOnlyMemory<byte> PublicKey, int Index, ReadOnlyMemory<byte> EncryptedShare, ReadOnlyMemory<byte> Commitment);
