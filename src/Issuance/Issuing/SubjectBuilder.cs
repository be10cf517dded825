using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>The subject's DN: order, types and fixed parts are the profile's, texts the application's and the region's.</summary>
internal static class SubjectBuilder
{
    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>.</exception>
    public static Name Build(Profile profile, IReadOnlyList<SubjectText> subject, IReadOnlyList<SubjectText> place)
    {
        RequireOnlyKnown(profile, subject, AttributeSource.Request);
        RequireOnlyKnown(profile, place, AttributeSource.Place);
        var rdns = new List<RelativeDistinguishedName>(profile.Attributes.Count);
        foreach (SubjectAttribute attribute in profile.Attributes)
        {
            if (attribute.Options.Source == AttributeSource.Fixed)
            {
                rdns.Add(new RelativeDistinguishedName(AttributeTypeAndValue.Create(attribute.Type, attribute.Options.Text!)));
                continue;
            }

            int count = 0;
            foreach (SubjectText text in attribute.Options.Source == AttributeSource.Place ? place : subject)
            {
                if (text.Type == attribute.Type)
                {
                    rdns.Add(new RelativeDistinguishedName(Encode(attribute, text.Text)));
                    count++;
                }
            }

            if (count < attribute.Options.Minimum || count > attribute.Options.Maximum)
            {
                throw Refuse($"主体项{attribute.ShortName}须有{attribute.Options.Minimum}至{attribute.Options.Maximum}项，实有{count}项。请增补或删减。");
            }
        }

        return new Name(rdns);
    }

    private static void RequireOnlyKnown(Profile profile, IReadOnlyList<SubjectText> texts, AttributeSource source)
    {
        foreach (SubjectText text in texts)
        {
            if (!profile.Attributes.Any(attribute => attribute.Type == text.Type && attribute.Options.Source == source))
            {
                throw Refuse($"证书模板“{profile.Options.Title}”没有{AttributeNames.ShortName(text.Type)}这一项{(source == AttributeSource.Place ? "地点信息" : "")}。请删去该项，或更换模板。");
            }
        }
    }

    private static AttributeTypeAndValue Encode(SubjectAttribute attribute, string text)
    {
        NameText.Require(attribute.Type, text);
        if (attribute.Options.MaxLength is { } maximum && text.EnumerateRunes().Count() > maximum)
        {
            throw Refuse($"主体项{attribute.ShortName}最多{maximum}个字。请缩短后重新提交。");
        }

        return attribute.Pattern?.IsMatch(text) == false
            ? throw Refuse($"主体项{attribute.ShortName}不符合证书模板规定的格式（{attribute.Options.Pattern}）。请更正后重新提交。")
            : AttributeTypeAndValue.Create(attribute.Type, text);
    }

    private static RefusalException Refuse(string detail) => new(Refusal.SubjectNotAllowed, detail);
}
