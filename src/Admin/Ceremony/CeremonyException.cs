namespace ZwCa.Admin.Ceremony;

/// <summary>The ceremony cannot go on; the message says to the people in the room what to do.</summary>
internal sealed class CeremonyException(string message, Exception? inner = null) : Exception(message, inner);
