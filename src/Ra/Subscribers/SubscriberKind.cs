namespace ZwCa.Ra.Subscribers;

/// <summary>Of whom a certificate is; in the database, never changes its meaning.</summary>
public enum SubscriberKind : short
{
    Person = 0,

    Organization = 1,

    Device = 2,
}
