using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.OfficersApi;

/// <summary>What the actions and requests of services share.</summary>
public static class CommandReading
{
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static T Read<T>(this CommandContext context)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(context.Parameters);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "命令参数格式有误。", inner: e);
        }
    }

    /// <param name="what">In Chinese, for the one who sent it.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static T Decode<T>(ReadOnlyMemory<byte> bytes, string what)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(bytes);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"{what}的编码有误。", inner: e);
        }
    }

    /// <summary>What is signed names the region that it is about: both officers have been found to be responsible for it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.OutOfScope"/>.</exception>
    public static void RequireRegion(this CommandContext context, string region) =>
        Require(context.Application.Region == region, Refusal.OutOfScope, $"该命令须以区域{region}提出。");

    /// <summary>Who gave the last word.</summary>
    public static AuditActor Actor(this CommandContext context) => (context.Approver ?? context.Proposer).Actor;

    /// <param name="reason">Free text, in which somebody may name a person. Null: none.</param>
    public static Task RecordAsync(this CommandContext context, string action, AuditObject what, string? reason, params IReadOnlyList<AuditField> fields) =>
        context.Log.AppendAsync(context.Transaction, new AuditEvent(context.Actor(), action, what, AuditOutcome.Done)
        {
            Fields = [new AuditField.Octets("command", context.CommandId), .. fields],
            Personal = reason is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["reason"] = reason },
        });

    /// <exception cref="RefusalException">It is not met.</exception>
    public static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
