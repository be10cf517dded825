namespace ZwCa.HsmSim.Verbs;

/// <summary>What was asked for cannot be done; the message is for the operator.</summary>
internal sealed class VerbException(string message) : Exception(message);
