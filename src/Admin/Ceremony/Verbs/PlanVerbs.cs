using System.CommandLine;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// <c>zwca ceremony plan</c>: plans for later days, made out of what there is. They are reviewed, rehearsed and carried out like the first one; whoever wants something else edits
/// the file.
/// </summary>
internal static class PlanVerbs
{
    public static Command Plan()
    {
        var command = new Command("plan", "Writes a plan that goes on from an earlier ceremony, to be reviewed and run.");
        foreach (PlanVerb verb in PlanDraft.Verbs)
        {
            command.Add(Verb(verb));
        }

        return command;
    }

    private static Command Verb(PlanVerb verb)
    {
        var authority = new Argument<string>("authority") { Description = verb.Authority };
        var basis = new Option<DirectoryInfo>("--basis") { Description = "Output of the latest ceremony.", Required = true };
        var output = new Option<FileInfo>("--out", "-o") { Description = "Where the plan goes; must not exist.", Required = true };
        var suffix = new Option<string>("--suffix") { Description = "Ends the ids, labels and files of what is new: 2027, g2 …", Required = true };
        var command = new Command(verb.Name, verb.Description) { authority, basis, output, suffix };
        command.SetAction((parsed, _) => CeremonyVerbs.GuardAsync(() =>
        {
            string path = parsed.GetRequiredValue(output).FullName;
            string from = parsed.GetRequiredValue(basis).FullName;
            string plan = PlanFile.Serialize(PlanDraft.Make(verb.Name, Basis.Load(from), parsed.GetRequiredValue(authority), parsed.GetRequiredValue(suffix), TimeProvider.System));
            using (var file = new FileStream(path, FileMode.CreateNew))
            {
                file.Write(System.Text.Encoding.UTF8.GetBytes(plan));
            }

            Console.WriteLine($"The plan is in {path}. The devices are those of the earlier plans: see whether their addresses and folders still hold. Have it reviewed, then: zwca ceremony check {path} --basis {from}");
            return Task.FromResult(0);
        }));
        return command;
    }
}
