namespace ZwCa.Asn1;

public static partial class Oids
{
    // ITU-T X.667: a UUID under 2.25 needs no registration.
    private const string ZwCa = "2.25.9029160820827961705635275342671521228";

    // What is signed by persons. The identifier stands first in each statement, so that a signature under one is none under another.
    public const string PartitionPolicy = ZwCa + ".1.1";
    public const string BackupStatement = ZwCa + ".1.2";
    public const string RecoveryCase = ZwCa + ".1.3";
    public const string Application = ZwCa + ".1.4";
    public const string Approval = ZwCa + ".1.5";
    public const string DeliveryReceipt = ZwCa + ".1.6";

    // What the log is made of, and what its key signs.
    public const string AuditLeaf = ZwCa + ".3.1";
    public const string Checkpoint = ZwCa + ".3.2";
    public const string InclusionProof = ZwCa + ".3.3";
    public const string ConsistencyProof = ZwCa + ".3.4";

    // What the key of the feed to responders signs.
    public const string FeedSegment = ZwCa + ".5.1";
    public const string FeedHeartbeat = ZwCa + ".5.2";
    public const string FeedSnapshot = ZwCa + ".5.3";

    /// <summary>Certificate policies of demonstrations: nothing in production accepts a certificate with one.</summary>
    public const string DemoPolicyArc = ZwCa + ".9";

    // What stands beside a signature, and nobody has to understand.
    public const string EnvelopeHead = ZwCa + ".4.1";

    // Certificate extensions.
    public const string OfficerIdentity = ZwCa + ".2.1";
}
