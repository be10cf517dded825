namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>Bytes that are no message of the protocol.</summary>
internal sealed class WireException(string message) : Exception(message);
