using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>The extensions that a profile and a request give, in the order of GM/T 0015-2012 annex C, then the others.</summary>
internal static class ExtensionsBuilder
{
    /// <exception cref="RefusalException">The request gives what the profile does not take, or lacks what it demands.</exception>
    public static Extensions Build(Issuer issuer, IssuanceRequest request)
    {
        Profile profile = request.Profile;
        ProfileOptions options = profile.Options;
        ConstantExtensions constant = issuer.ConstantExtensionsOf(profile);
        var extensions = new List<Extension>(12)
        {
            constant.AuthorityKeyIdentifier,
            Extension.Create(KeyIdentifierOf(request), critical: false),
            constant.KeyUsage,
        };
        Add(constant.Policies);
        Add(constant.BasicConstraints);
        Add(constant.ExtendedKeyUsage);
        if (BuildAlternativeNames(request, issuer.Publication.IsDemo) is { } names)
        {
            extensions.Add(Extension.Create(names, options.SubjectAltName!.Critical));
        }

        Add(constant.DistributionPoints(UrlTemplate.ShardName(request.SerialNumber, options.CrlShards)));
        Add(constant.InfoAccess);
        AddIdentities(extensions, request);
        Add(constant.NoCheck);
        if (options.OfficerIdentity != request.Officer is not null)
        {
            throw new RefusalException(
                Refusal.SubjectNotAllowed,
                options.OfficerIdentity ? $"证书模板“{options.Title}”须带有人员身份（人员、职务、地区）。请补充。" : $"证书模板“{options.Title}”不带人员身份。请删去，或改用人员证书模板。");
        }

        if (request.Officer is { } officer)
        {
            extensions.Add(Extension.Create(officer, critical: false));
        }

        return new Extensions(extensions);

        void Add(Extension? extension)
        {
            if (extension is not null)
            {
                extensions.Add(extension);
            }
        }
    }

    /// <summary>What no rule of the lint asks of the extensions.</summary>
    /// <exception cref="RefusalException">An alternative name or a key identifier that <see cref="Build"/> does not give.</exception>
    /// <exception cref="DerException">An extension is not what its identifier says.</exception>
    public static void RequireBuilt(Issuer issuer, Profile profile, TbsCertificate tbs)
    {
        Extensions? extensions = tbs.Extensions;
        foreach (GeneralName name in extensions?.Find<SubjectAltName>()?.Names ?? [])
        {
            AlternativeNameText.Require(name, issuer.Publication.IsDemo);
        }

        // That of a cross-certificate is the other CA's to choose. Any other than the key's own could be another CA's, whose URLs it would then have.
        var expected = SubjectKeyIdentifier.Of(tbs.SubjectPublicKeyInfo);
        if (extensions?.Find<SubjectKeyIdentifier>() is not { } own || (profile.Kind != ProfileKind.Cross && own != expected))
        {
            throw new RefusalException(Refusal.BadPublicKey, "证书的主体密钥标识符缺失或与公钥不符。请重新办理签发。");
        }

        if (extensions.Find<AuthorityKeyIdentifier>() is null)
        {
            throw new RefusalException(Refusal.Malformed, "证书缺少颁发机构密钥标识符。请重新办理签发。");
        }

        _ = extensions.Find<OfficerIdentity>();
    }

    /// <summary>Of a CA that has one already it is copied: its certificates name it (standards: AKI of the child = SKI of the issuer).</summary>
    private static SubjectKeyIdentifier KeyIdentifierOf(IssuanceRequest request) =>
        request.Authority?.Tbs.Extensions?.Find<SubjectKeyIdentifier>() ?? SubjectKeyIdentifier.Of(request.SubjectPublicKeyInfo);

    private static SubjectAltName? BuildAlternativeNames(IssuanceRequest request, bool isDemo)
    {
        IReadOnlyList<GeneralName> names = request.AlternativeNames;
        SubjectAltNameOptions? options = request.Profile.Options.SubjectAltName;
        if (names.Count < (options?.Minimum ?? 0) || names.Count > (options?.Maximum ?? 0))
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, $"主体别名须有{options?.Minimum ?? 0}至{options?.Maximum ?? 0}项，实有{names.Count}项。请增补或删减。");
        }

        foreach (GeneralName name in names)
        {
            AlternativeNameKind? kind = name switch
            {
                DnsName => AlternativeNameKind.Dns,
                IpAddress => AlternativeNameKind.Ip,
                Rfc822Name => AlternativeNameKind.Email,
                UniformResourceIdentifier => AlternativeNameKind.Uri,
                _ => null,
            };
            if (kind is not { } known || !options!.Kinds.Contains(known))
            {
                throw new RefusalException(Refusal.SubjectNotAllowed, $"证书模板“{request.Profile.Options.Title}”不允许这种主体别名。请删去，或更换模板。");
            }

            AlternativeNameText.Require(name, isDemo);
        }

        if (names.Distinct().Count() != names.Count)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "主体别名重复。请删去重复项。");
        }

        return names.Count == 0 ? null : new SubjectAltName(names);
    }

    private static void AddIdentities(List<Extension> extensions, IssuanceRequest request)
    {
        IReadOnlyList<IdentityOptions> options = request.Profile.Options.Identities;
        if (request.Identities.Keys.Any(name => !options.Any(each => each.Name == name)))
        {
            throw new RefusalException(
                Refusal.SubjectNotAllowed,
                $"证书模板“{request.Profile.Options.Title}”没有所填的证件号码种类（可填：{string.Join("、", options.Select(each => each.Name).DefaultIfEmpty("无"))}）。请删去，或更换模板。");
        }

        foreach (IdentityOptions each in options)
        {
            if (request.Identities.TryGetValue(each.Name, out string? value))
            {
                if (extensions.Exists(extension => extension.Id == each.Oid))
                {
                    string[] alternatives = [.. options.Where(other => other.Oid == each.Oid).Select(other => other.Name)];
                    throw new RefusalException(Refusal.SubjectNotAllowed, $"证件号码{string.Join("、", alternatives)}只能填写其中一种。请删去其余。");
                }

                extensions.Add(new Extension(each.Oid, Critical: false, Encode(each, value)));
            }
            else if (each.Required)
            {
                throw new RefusalException(Refusal.SubjectNotAllowed, $"缺少证件号码“{each.Name}”。请补充。");
            }
        }
    }

    private static byte[] Encode(IdentityOptions options, string value)
    {
        bool isGood = value.Length is > 0 and <= 64 && options.Check switch
        {
            IdentityCheck.ResidentId => ResidentId.TryParse(value, out _),
            IdentityCheck.UnifiedSocialCreditCode => UnifiedSocialCreditCode.TryParse(value, out _),
            _ => true,
        };
        if (!isGood)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, $"证件号码“{options.Name}”的格式或校验码不正确。请核对证件后更正。");
        }

        try
        {
            switch (options.Form)
            {
                case IdentityForm.ResidenterCard:
                    return Der.Encode<IdentifyCode>(new ResidenterCardNumber(value));
                case IdentityForm.MilitaryOfficerCard:
                    return Der.Encode<IdentifyCode>(new MilitaryOfficerCardNumber(value));
                case IdentityForm.Passport:
                    return Der.Encode<IdentifyCode>(new PassportNumber(value));
                default:
                    var writer = new AsnWriter(AsnEncodingRules.DER);
                    writer.WriteCharacterString(UniversalTagNumber.PrintableString, value);
                    return writer.Encode();
            }
        }
        catch (Exception e) when (e is ArgumentException or System.Text.EncoderFallbackException)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, $"证件号码“{options.Name}”含有不允许的字符。请核对证件后更正。");
        }
    }
}
