using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.OfficersApi;

/// <summary>Who speaks to a service that has officers: one of them, or something else that it is a sender for, as an RA is for the CA.</summary>
public abstract record RegionalSender : MessageSender
{
    /// <summary>Null: no officer.</summary>
    public Officer? Officer { get; init; }

    /// <summary>For which he, or it, is responsible.</summary>
    public abstract RegionCode Region { get; }

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: something else speaks where an officer has to.</exception>
    public static Officer RequireOfficer(MessageContext message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ((RegionalSender)message.Sender).Officer ?? throw new RefusalException(Refusal.NotAllowed, "此功能仅供本服务的人员使用。");
    }
}
