namespace ZwCa.HsmSim.Store;

/// <summary>A store cannot be made, opened or restored. The message tells the operator what is wrong and what to do, and holds no secret.</summary>
internal sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);
