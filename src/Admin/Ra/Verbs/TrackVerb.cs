using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What an applicant sees of his application.</summary>
internal static class TrackVerb
{
    public static Command Track(DeskContext context)
    {
        var number = new Argument<string>("查询号") { Description = "受理时给出的查询号。" };
        var address = new Option<string?>("--address") { Description = "查询地址，http://主机；不写则取配置中的 tracking。" };
        address.Validators.Add(result =>
        {
            if (result.GetValue(address) is { } given && Parse(given) is null)
            {
                result.AddError("--address 应为 http://主机 或 https://主机。");
            }
        });
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("track", "凭查询号查看办理进度；不用令牌。") { number, address, json };
        context.DoesPublicly(command, async (parsed, cancellationToken) =>
        {
            Uri from = Parse(parsed.GetValue(address) ?? context.Settings(parsed).Tracking)
                ?? throw new RefusalException(Refusal.Malformed, "配置中没有查询地址（tracking），请用 --address 给出。");
            using HttpClient client = context.Desk.ConnectPublic(from);
            using HttpResponseMessage response = await client.GetAsync($"/tracking/{Uri.EscapeDataString(parsed.GetRequiredValue(number))}", cancellationToken);
            await response.ThrowIfRefusedAsync(cancellationToken);
            TrackingAnswer answer = OfficerSession.Read<TrackingAnswer>(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), answer, shown =>
            {
                output.WriteLine($"{LabelText.Shown(RaText.Kind(shown.Kind))}：{LabelText.Shown(RaText.State(shown.State))}");
                output.WriteLine(LabelText.Shown(shown.Message));
                output.WriteLine($"受理 {DeskText.Time(shown.CreatedAt)}，最近变动 {DeskText.Time(shown.ChangedAt)}");
            });
        });
        return command;
    }

    /// <returns>Null: no address of a web server.</returns>
    private static Uri? Parse(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps) ? address : null;
}
