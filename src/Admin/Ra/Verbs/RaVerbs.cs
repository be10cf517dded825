using System.CommandLine;
using ZwCa.Admin.Desk;

namespace ZwCa.Admin.Ra;

/// <summary>
/// <c>zwca ra</c>: an officer of an RA at a terminal, over its REST API, with his token for the link, for his messages and for his decisions (docs/API.md). In Chinese. Exit codes: 0 done; 1 refused or failed,
/// the reason on the error output, a refusal of the RA unchanged; 2 the command line is wrong.
/// </summary>
internal static class RaVerbs
{
    public static Command Ra() => Ra(OfficerDesk.Terminal);

    internal static Command Ra(OfficerDesk desk)
    {
        var context = new DeskContext(desk, "ra", "RA", "请先用 zwca ra list 查看");
        return new Command("ra", "RA业务：受理、审核、发放。用令牌登录和签名；PIN从终端输入，或放在环境变量 ZWCA_TOKEN_PIN 中。")
        {
            context.Config,
            ListVerbs.Profiles(context),
            SubscriberVerbs.Subscriber(context),
            SubmitVerb.Submit(context),
            ListVerbs.List(context),
            ListVerbs.Show(context),
            ReviewVerb.Review(context),
            DeliverVerb.Deliver(context),
            DeliverVerb.Receipt(context),
            EndVerbs.Cancel(context),
            EndVerbs.Archive(context),
            TrackVerb.Track(context),
            BatchVerbs.Batch(context),
        };
    }
}
