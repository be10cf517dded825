using System.CommandLine;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Lint;

/// <summary>
/// <c>zwca lint</c>: judges anybody's certificates and CRLs by the rules by which ours are judged before they are signed (docs/LINT.md). Exit code 1: a rule of severity error does
/// not hold, or a file cannot be read.
/// </summary>
internal static class LintVerb
{
    public static Command Lint()
    {
        var files = new Argument<string[]>("files") { Description = "Certificates and CRLs, DER or PEM, several in one PEM file.", Arity = ArgumentArity.ZeroOrMore };
        var issuer = new Option<string?>("--issuer") { Description = "The certificate of the CA that issued them." };
        var profile = new Option<string?>("--profile") { Description = "What the certificates are meant to follow: the name of a shipped profile, or a file." };
        var pair = new Option<string?>("--pair") { Description = "The other certificate of the pair." };
        var json = new Option<bool>("--json") { Description = "For programs." };
        var rules = new Option<bool>("--rules") { Description = "Lists the rules and judges nothing." };
        var command = new Command("lint", "Judges certificates and CRLs by the clauses of RFC 5280, GM/T 0015 and GB/T 20518.") { files, issuer, profile, pair, json, rules };
        command.Validators.Add(result =>
        {
            bool hasFiles = result.GetValue(files) is { Length: > 0 };
            if (hasFiles == result.GetValue(rules))
            {
                result.AddError("Either files or --rules.");
            }
        });
        command.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(rules))
            {
                LintReport.WriteRules(output, parsed.GetValue(json));
                return 0;
            }

            LintContext context;
            try
            {
                context = ReadContext(parsed.GetValue(issuer), parsed.GetValue(profile), parsed.GetValue(pair));
            }
            catch (Exception e) when (IsUnreadable(e))
            {
                parsed.InvocationConfiguration.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
                return 1;
            }

            LintedFile[] linted = [.. parsed.GetRequiredValue(files).Select(file => Judge(file, context))];
            if (parsed.GetValue(json))
            {
                LintReport.WriteJson(output, linted);
            }
            else
            {
                LintReport.WriteText(output, linted);
            }

            return linted.Any(file => file.Error is not null || LintReport.Errors(file) > 0) ? 1 : 0;
        });
        return command;
    }

    private static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException or DerException or ProfileException;

    private static LintContext ReadContext(string? issuer, string? profile, string? pair) => new()
    {
        IssuerCertificate = issuer is null ? null : Named(issuer, ReadIssuer),
        Profile = profile is null ? null : ReadProfile(profile),
        Other = pair is null ? null : Named(pair, LintFile.ReadCertificate),
    };

    /// <summary>The message names the file.</summary>
    private static T Named<T>(string file, Func<string, T> read)
    {
        try
        {
            return read(file);
        }
        catch (DerException e)
        {
            throw new DerException($"{file}: {e.Message}", e);
        }
    }

    private static Certificate ReadIssuer(string file)
    {
        Certificate certificate = Der.Decode<Certificate>(LintFile.ReadCertificate(file).Bytes);

        // Rules ask for these, and are not there to be told that they cannot be read.
        certificate.Tbs.Extensions?.Find<SubjectKeyIdentifier>();
        certificate.Tbs.Extensions?.Find<KeyUsage>();
        certificate.Tbs.Extensions?.Find<BasicConstraints>();
        return certificate;
    }

    /// <summary>A shipped profile wins over a file of the same name, which can be said as ./NAME.</summary>
    private static Profile ReadProfile(string nameOrFile)
    {
        if (ProfileCatalogue.Shipped.Find(nameOrFile) is { } shipped)
        {
            return shipped;
        }

        if (!File.Exists(nameOrFile))
        {
            throw new ProfileException($"\"{nameOrFile}\" is neither a shipped profile ({string.Join(", ", ProfileCatalogue.Shipped.All.Select(each => each.Name))}) nor a file.");
        }

        if (new FileInfo(nameOrFile).Length > Profile.MaxLength)
        {
            throw new ProfileException($"{nameOrFile}: a profile has at most {Profile.MaxLength} bytes.");
        }

        return Profile.Parse(File.ReadAllBytes(nameOrFile));
    }

    private static LintedFile Judge(string path, LintContext context)
    {
        try
        {
            using LintFile file = LintFile.Open(path);
            return new LintedFile(path, null, [.. file.Subjects.Select((subject, i) => new LintedSubject(i + 1, subject.Kind, Judge(subject, context)))]);
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            return new LintedFile(path, e.Message, []);
        }
    }

    private static IReadOnlyList<Finding> Judge(LintSubject subject, LintContext context) => subject.Crl is { } crl
        ? CrlLint.Check(crl, new CrlLintContext { Issuer = context.IssuerCertificate })
        : Linter.Check(subject.Certificate!, context);
}
