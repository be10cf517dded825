using System.CommandLine;

namespace ZwCa.Admin.Ceremony;

/// <summary><c>zwca ceremony plan</c>: plans for later days, made out of what there is. They are reviewed and carried out like the first one.</summary>
internal static class PlanVerbs
{
    public static Command Plan() => new("plan", "Writes a plan that goes on from an earlier ceremony, to be reviewed and run.");
}
