namespace ZwCa.Tests.Architecture;

/// <summary>Holds a set of projects against <see cref="Ladder"/>.</summary>
internal static class LadderCheck
{
    /// <returns>One sentence per violation, naming the project and the way from it to what it must not reach.</returns>
    public static IReadOnlyList<string> Violations(IReadOnlyCollection<ProjectFile> projects)
    {
        Dictionary<string, Rung> rungs = Ladder.Rungs.ToDictionary(rung => rung.Name);
        Dictionary<string, ProjectFile> byName = projects.ToDictionary(project => project.Name);
        var violations = new List<string>();
        foreach (ProjectFile project in projects)
        {
            if (!rungs.TryGetValue(project.Name, out Rung? rung))
            {
                violations.Add($"{project.Path} is not on the ladder.");
                continue;
            }

            if (Path.GetDirectoryName(project.Path)!.Replace('\\', '/') != rung.Folder)
            {
                violations.Add($"{project.Path} belongs in {rung.Folder}.");
            }

            violations.AddRange(Direct(project, rung));
            violations.AddRange(Transitive(project, rungs, byName));
        }

        return violations;
    }

    private static IEnumerable<string> Direct(ProjectFile project, Rung rung)
    {
        return project.References.Except(rung.Projects).Select(other => $"{project.Name} must not reference {other}.")
            .Concat(project.BuildsBefore.Except(rung.BuildsBefore).Select(other => $"{project.Name} must not have {other} built before it."))
            .Concat(project.Packages.Except(rung.Packages, StringComparer.OrdinalIgnoreCase)
                .Select(package => $"{project.Name} must not use package {package}."))
            .Concat(project.Frameworks.Where(framework => !(rung.AspNetCore && framework == ProjectFile.AspNetCore))
                .Select(framework => $"{project.Name} must not use framework {framework}."))
            .Concat(project.Unreadable.Select(what => $"{project.Name} hides references: {what}."));
    }

    private static IEnumerable<string> Transitive(ProjectFile start, Dictionary<string, Rung> rungs, Dictionary<string, ProjectFile> byName)
    {
        HashSet<string> allowed = Reachable(start.Name, name => rungs.TryGetValue(name, out Rung? rung) ? rung.Projects : []).Keys.ToHashSet();
        Dictionary<string, string> reached = Reachable(start.Name, name => byName.TryGetValue(name, out ProjectFile? file) ? file.References : []);
        foreach ((string name, string way) in reached)
        {
            bool direct = start.References.Contains(name);
            if (!direct && !allowed.Contains(name))
            {
                yield return $"{start.Name} must not reach {name}: {way}.";
            }

            if (Ladder.Never.Contains((start.Name, name)))
            {
                yield return $"{start.Name} must never reach {name}: {way}.";
            }

            if (!byName.TryGetValue(name, out ProjectFile? other))
            {
                yield return $"{start.Name} references {name}, which is not in the tree: {way}.";
                continue;
            }

            // Packages and frameworks flow along references as assemblies do.
            string[] packages = [.. allowed.Append(start.Name).SelectMany(each => rungs.TryGetValue(each, out Rung? rung) ? rung.Packages : [])];
            foreach (string package in other.Packages.Except(packages, StringComparer.OrdinalIgnoreCase))
            {
                yield return $"{start.Name} must not reach package {package}: {way}.";
            }

            bool web = allowed.Append(start.Name).Any(each => rungs.TryGetValue(each, out Rung? rung) && rung.AspNetCore);
            foreach (string framework in other.Frameworks.Where(framework => !(web && framework == ProjectFile.AspNetCore)))
            {
                yield return $"{start.Name} must not reach framework {framework}: {way}.";
            }
        }
    }

    /// <returns>Every node reachable from <paramref name="start"/>, itself excluded, with one way to it: <c>A → B → C</c>.</returns>
    private static Dictionary<string, string> Reachable(string start, Func<string, IReadOnlyList<string>> next)
    {
        var ways = new Dictionary<string, string> { [start] = start };
        var open = new Queue<string>([start]);
        while (open.TryDequeue(out string? name))
        {
            foreach (string other in next(name))
            {
                if (ways.TryAdd(other, $"{ways[name]} → {other}"))
                {
                    open.Enqueue(other);
                }
            }
        }

        ways.Remove(start);
        return ways;
    }
}
