using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>Request + profile + issuer → TBSCertificate, or a refusal that says what to change.</summary>
internal static class CertificateBuilder
{
    /// <exception cref="RefusalException">See <see cref="Issuer.Prepare"/>.</exception>
    public static TbsCertificate Build(Issuer issuer, IssuanceRequest request)
    {
        Profile profile = request.Profile;

        // Step 1: may this issuer issue it?
        RequireIssuer(issuer, profile, request.SubjectPublicKeyInfo);
        RequireAuthority(request);

        // Step 2: the key, of a kind that the profile takes and not known to be weak.
        RequireKey(issuer, profile, request.SubjectPublicKeyInfo);

        // Step 3: the time.
        Validity validity = BuildValidity(issuer, request);

        // Step 4: the name.
        Name subject = BuildSubject(request);
        RequireSubject(issuer, profile, subject);

        // Step 5: the extensions, in the order of GM/T 0015-2012 annex C.
        return new TbsCertificate(
            request.SerialNumber, issuer.Algorithm, issuer.Name, validity, subject, request.SubjectPublicKeyInfo, ExtensionsBuilder.Build(issuer, request));
    }

    /// <summary>
    /// What no rule of the lint asks, of bytes that came back from where intentions are kept: whoever can write there has no say in what is signed. What only the request knew, who
    /// gave a text and when it was decided, stands in no certificate and is not asked.
    /// </summary>
    /// <exception cref="RefusalException">As for <see cref="Build"/>.</exception>
    /// <exception cref="DerException">An extension is not what its identifier says.</exception>
    public static void RequireBuilt(Issuer issuer, Profile profile, TbsCertificate tbs)
    {
        RequireIssuer(issuer, profile, tbs.SubjectPublicKeyInfo);
        RequireKey(issuer, profile, tbs.SubjectPublicKeyInfo);
        RequireSubject(issuer, profile, tbs.Subject);
        if (profile.Kind != ProfileKind.Cross)
        {
            foreach (AttributeTypeAndValue attribute in tbs.Subject.Rdns.SelectMany(rdn => rdn.Attributes))
            {
                NameText.Require(attribute.Type, attribute.Text ?? "");
            }
        }

        ExtensionsBuilder.RequireBuilt(issuer, profile, tbs);
    }

    private static void RequireIssuer(Issuer issuer, Profile profile, SubjectPublicKeyInfo key)
    {
        bool isRootToBe = issuer.Certificate is null;
        if (isRootToBe != (profile.Kind == ProfileKind.Root))
        {
            throw new RefusalException(Refusal.OutOfScope, "根证书只能由根密钥自签；其他证书只能由已有证书的CA签发。请更换证书模板或签发CA。");
        }

        // A root's key is offline. What is below a root without other CAs (path length 0), such as that of links, it issues itself.
        bool isRootOfCas = issuer.Certificate is { } own && own.Tbs.Subject == own.Tbs.Issuer && issuer.PathLength != 0;
        if (isRootOfCas && !profile.IsAuthority && !profile.Purposes.Contains(Oids.OcspSigning))
        {
            throw new RefusalException(Refusal.OutOfScope, $"根CA只签发CA证书和OCSP响应者证书。证书模板“{profile.Options.Title}”请由下级CA签发。");
        }

        if (profile.Kind == ProfileKind.Root && key != issuer.SubjectPublicKeyInfo)
        {
            throw new RefusalException(Refusal.BadPublicKey, "自签名证书的公钥必须是签发者自己的公钥。");
        }
    }

    private static void RequireAuthority(IssuanceRequest request)
    {
        if (request.Profile.Kind == ProfileKind.Cross != request.Authority is not null)
        {
            throw new RefusalException(Refusal.Malformed, "交叉证书须给出对方CA的证书；其他证书不得给出。");
        }

        if (request.Authority is { } authority
            && (authority.Tbs.Extensions?.Find<BasicConstraints>() is not { IsCa: true } || authority.Tbs.SubjectPublicKeyInfo != request.SubjectPublicKeyInfo))
        {
            throw new RefusalException(Refusal.BadPublicKey, "给出的证书不是CA证书，或其公钥与申请的公钥不同。请核对对方CA的证书。");
        }
    }

    private static void RequireKey(Issuer issuer, Profile profile, SubjectPublicKeyInfo key)
    {
        if (profile.Kind == ProfileKind.Cross && key == issuer.SubjectPublicKeyInfo)
        {
            throw new RefusalException(Refusal.BadPublicKey, "交叉证书须为另一密钥签发，给出的是签发者自己的密钥。");
        }

        // One algorithm from end to end, or a relying party that knows only one of them could not check the path. Only cross-certificates lead from one to another.
        if (profile.Kind != ProfileKind.Cross && key.Algorithm != issuer.SubjectPublicKeyInfo.Algorithm)
        {
            throw new RefusalException(Refusal.BadPublicKey, "公钥算法与签发CA的算法不同。请改用与签发CA算法相同的密钥，或由同算法的CA签发。");
        }

        if (!profile.Takes(key))
        {
            throw new RefusalException(Refusal.BadPublicKey, $"证书模板“{profile.Options.Title}”不接受这种算法或长度的公钥。请按模板的要求重新生成密钥和证书申请。");
        }

        KeyQuality.Require(key);
    }

    private static void RequireSubject(Issuer issuer, Profile profile, Name subject)
    {
        if (profile.Kind == ProfileKind.Root && subject != issuer.Name)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "自签名证书的主体必须与签发者名称相同。请核对根证书的主体各项。");
        }

        if (profile.Kind is ProfileKind.EndEntity or ProfileKind.Authority && subject == issuer.Name)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "证书主体不得与签发CA的名称相同。请更改主体名称。");
        }

        if (profile.IsAuthority && Publication.HasDemoMark(subject) != issuer.Publication.IsDemo)
        {
            throw new RefusalException(
                Refusal.SubjectNotAllowed,
                issuer.Publication.IsDemo ? $"演示系统签发的CA证书，主体名称须含“{Publication.DemoMark}”。" : $"正式系统签发的CA证书，主体名称不得含“{Publication.DemoMark}”。");
        }

        // RFC 5280 §6.1.4 (m): a path below would not be valid. Self-issued certificates do not count.
        if (profile.IsAuthority && subject != issuer.Name && issuer.PathLength is { } length && (profile.Options.BasicConstraints!.PathLength ?? int.MaxValue) >= length)
        {
            throw new RefusalException(Refusal.OutOfScope, $"签发CA的路径长度限制为{length}，不能签发该模板的CA证书。请由上级CA签发，或改用路径长度更小的模板。");
        }
    }

    private static Name BuildSubject(IssuanceRequest request)
    {
        if (request.Authority is not { } authority)
        {
            return SubjectBuilder.Build(request.Profile, request.Subject, request.Place);
        }

        // Whoever gives a name expects it in the certificate.
        return request.Subject.Count + request.Place.Count == 0
            ? authority.Tbs.Subject
            : throw new RefusalException(Refusal.SubjectNotAllowed, "交叉证书的主体取自对方CA的证书，不得另行填写主体项。");
    }

    private static Validity BuildValidity(Issuer issuer, IssuanceRequest request)
    {
        ValidityOptions options = request.Profile.Options.Validity;
        if (request.NotBefore < request.IntendedAt.AddSeconds(-options.BackdateSeconds))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"起始时间早于签发决定，且相差超过{options.BackdateSeconds}秒。请把起始时间改为签发时间。");
        }

        if (request.NotAfter <= request.NotBefore || request.NotAfter <= request.IntendedAt)
        {
            throw new RefusalException(Refusal.Malformed, "有效期的终止时间不晚于起始时间或签发时间。请更正终止时间。");
        }

        if (request.NotAfter - request.NotBefore > TimeSpan.FromDays(options.MaximumDays))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"证书模板“{request.Profile.Options.Title}”的有效期最长为{options.MaximumDays}天。请提前终止时间。");
        }

        var notBefore = Time.Truncate(request.NotBefore);
        var notAfter = Time.Truncate(request.NotAfter);

        if (issuer.Certificate?.Tbs.Validity is { } own && (notAfter > own.NotAfter || notBefore < own.NotBefore))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"有效期超出签发CA证书自身的有效期（{own.NotBefore}至{own.NotAfter}）。请调整有效期，或先更新CA证书。");
        }

        return new Validity(notBefore, notAfter);
    }
}
