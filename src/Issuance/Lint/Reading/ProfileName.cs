using System.Text;

namespace ZwCa.Issuance;

/// <summary>The subject beside the profile's attributes.</summary>
internal static class ProfileName
{
    private const int MaxCharacters = 256;

    /// <param name="texts">False: types, order and number; true: what stands in those that are in order.</param>
    public static string? Compare(CertificateView certificate, LintContext context, bool texts)
    {
        // The name of a cross-certificate is given, not made by a profile.
        if (context.Profile is not { Kind: not ProfileKind.Cross } profile)
        {
            return null;
        }

        NameAttributes.Enumerator wire = NameAttribute.Of(certificate.Subject).GetEnumerator();
        bool exists = wire.MoveNext();
        IReadOnlyList<SubjectAttribute> attributes = profile.Attributes;
        for (int i = 0; i < attributes.Count; i++)
        {
            SubjectAttribute attribute = attributes[i];
            bool isFixed = attribute.Options.Source == AttributeSource.Fixed;
            int maximum = isFixed ? 1 : attribute.Options.Maximum;
            if (maximum > 1)
            {
                maximum = Math.Min(maximum, Run(wire, attribute.Content) - Reserved(attributes, i));
            }

            int count = 0;
            while (exists && count < maximum && wire.Current.Type.IsOid(attribute.Content))
            {
                if (texts && Fault(attribute, wire.Current.Value) is { } fault)
                {
                    return $"{attribute.ShortName} {fault}";
                }

                count++;
                exists = wire.MoveNext();
            }

            if (count < (isFixed ? 1 : attribute.Options.Minimum))
            {
                return texts ? null : $"{attribute.ShortName} occurs {count} times where it is expected";
            }
        }

        return exists && !texts ? $"{KnownOid.Name(wire.Current.Type) ?? "an attribute"} is not expected" : null;
    }

    /// <summary>How many attributes of the type follow one another here.</summary>
    private static int Run(NameAttributes.Enumerator wire, byte[] type)
    {
        int count = 0;
        bool exists;
        do
        {
            exists = wire.Current.Type.IsOid(type) && wire.MoveNext();
            count++;
        }
        while (exists);
        return count;
    }

    /// <summary>How many of these the profile's next attributes of the same type need for themselves.</summary>
    private static int Reserved(IReadOnlyList<SubjectAttribute> attributes, int index)
    {
        int reserved = 0;
        for (int next = index + 1; next < attributes.Count && attributes[next].Type == attributes[index].Type; next++)
        {
            reserved += attributes[next].Options.Source == AttributeSource.Fixed ? 1 : attributes[next].Options.Minimum;
        }

        return reserved;
    }

    private static string? Fault(SubjectAttribute attribute, DerNode value)
    {
        if (!DerText.IsString(value))
        {
            return "is no text";
        }

        Span<char> text = stackalloc char[2 * MaxCharacters];
        int length = 0;
        int characters = 0;
        foreach (Rune rune in new DerText(value))
        {
            if (++characters > MaxCharacters)
            {
                return $"has more than {MaxCharacters} characters";
            }

            length += rune.EncodeToUtf16(text[length..]);
        }

        ReadOnlySpan<char> read = text[..length];
        return attribute.Options.Text is { } fixedText && !read.SequenceEqual(fixedText) ? "is not the fixed text"
            : attribute.Options.MaxLength is { } maximum && characters > maximum ? $"has more than {maximum} characters"
            : attribute.Pattern?.IsMatch(read) == false ? "does not match the pattern"
            : null;
    }
}
