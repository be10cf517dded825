using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;

namespace ZwCa.Ra.Subscribers;

/// <summary>Who registers whom, and where.</summary>
internal static class SubscriberRules
{
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: he does not take in.</exception>
    public static void RequireEntry(Officer officer)
    {
        ArgumentNullException.ThrowIfNull(officer);
        Require(officer.Role.Duties.Contains(Duty.Entry), Refusal.NotAllowed, "此操作须由录入人员办理。");
    }

    /// <param name="text">person, organization, device.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static SubscriberKind ReadKind(string? text) => text switch
    {
        "person" => SubscriberKind.Person,
        "organization" => SubscriberKind.Organization,
        "device" => SubscriberKind.Device,
        _ => throw new RefusalException(Refusal.Malformed, "用户类别有误：应为 person、organization 或 device。"),
    };

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; <see cref="Refusal.OutOfScope"/>: not the officer's.</exception>
    public static RegionCode ReadRegion(Officer officer, string? text)
    {
        var region = RegionCode.Parse(text);
        Require(officer.Region.Covers(region), Refusal.OutOfScope, "该区域不在您的管辖范围内。");
        return region;
    }

    /// <returns>Null: none.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: also one of an organisation, or none of a device.</exception>
    public static byte[]? ReadOrganization(SubscriberKind kind, string? text)
    {
        RequireOrganization(kind, text is not null);
        return text is null ? null : Page.Id(text);
    }

    /// <summary>Whose it has to be said, and whose not.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static void RequireOrganization(SubscriberKind kind, bool isGiven)
    {
        Require(kind != SubscriberKind.Organization || !isGiven, Refusal.Malformed, "单位不填写所属单位。");
        Require(kind != SubscriberKind.Device || isGiven, Refusal.Malformed, "设备须填写所属单位。");
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: nobody has registered the region.</exception>
    public static async Task RequireRegionAsync(Transaction transaction, RegionCode region) => Require(
        await transaction.GetAsync<long>("SELECT COUNT(*) FROM region WHERE code = @Code", new { Code = region.Value }) == 1,
        Refusal.Malformed,
        "该行政区划尚未登记。");

    /// <summary>An organisation that the officer gets to see.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public static async Task RequireOrganizationAsync(Transaction transaction, Officer officer, byte[] id)
    {
        string? code = await transaction.FindAsync<string>("SELECT region FROM subscriber WHERE subscriber_id = @Id AND kind = 1", new { Id = id });
        Require(
            code is not null && Subscriber.IsVisibleFrom(officer.Region, SubscriberKind.Organization, RegionCode.Parse(code)), Refusal.NotFound, "没有该所属单位，请先登记单位。");
    }

    public static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
