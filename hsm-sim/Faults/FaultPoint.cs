namespace ZwCa.HsmSim.Faults;

/// <summary>Places at which a test lets the process die. The number is on the wire.</summary>
internal enum FaultPoint
{
    /// <summary>A group of records is about to be written.</summary>
    BeforeJournalWrite = 1,

    /// <summary>Half of the group's bytes are written.</summary>
    AmidJournalWrite = 2,

    /// <summary>All are written, none is flushed.</summary>
    BeforeFlush = 3,

    /// <summary>Flushed; the anchor still tells of the group before.</summary>
    BeforeAnchor = 4,

    /// <summary>The anchor is written, nobody is answered.</summary>
    AfterAnchor = 5,

    /// <summary>A new journal is written and not in its place yet.</summary>
    BeforeRename = 6,

    /// <summary>The new journal is in its place, the old one is there too.</summary>
    AfterRename = 7,

    /// <summary>The answer is about to be sent.</summary>
    BeforeAnswer = 8,
}
