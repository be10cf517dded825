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
        RequireIssuer(issuer, request);

        // Step 2: the key, of a kind that the profile takes and not known to be weak.
        if (!profile.Takes(request.SubjectPublicKeyInfo))
        {
            throw new RefusalException(Refusal.BadPublicKey, $"证书模板“{profile.Options.Title}”不接受这种算法或长度的公钥。");
        }

        KeyQuality.Require(request.SubjectPublicKeyInfo);

        // Step 3: the time.
        Validity validity = BuildValidity(issuer, request);

        // Step 4: the name.
        Name subject = request.Authority?.Tbs.Subject ?? SubjectBuilder.Build(profile, request.Subject, request.Place);
        if (profile.Kind == ProfileKind.Root && subject != issuer.Name)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "自签名证书的主体必须与签发者名称相同。");
        }

        if (profile.Kind is ProfileKind.EndEntity or ProfileKind.Authority && subject == issuer.Name)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, "证书主体不得与签发CA的名称相同。");
        }

        // Step 5: the extensions, in the order of GM/T 0015-2012 annex C.
        return new TbsCertificate(
            request.SerialNumber, issuer.Algorithm, issuer.Name, validity, subject, request.SubjectPublicKeyInfo, ExtensionsBuilder.Build(issuer, request));
    }

    private static void RequireIssuer(Issuer issuer, IssuanceRequest request)
    {
        Profile profile = request.Profile;
        bool isRootToBe = issuer.Certificate is null;
        if (isRootToBe != (profile.Kind == ProfileKind.Root))
        {
            throw new RefusalException(Refusal.OutOfScope, "根证书只能由根密钥自签；其他证书只能由已有证书的CA签发。");
        }

        if (profile.Kind == ProfileKind.Root && request.SubjectPublicKeyInfo != issuer.SubjectPublicKeyInfo)
        {
            throw new RefusalException(Refusal.BadPublicKey, "自签名证书的公钥必须是签发者自己的公钥。");
        }

        if (profile.Kind == ProfileKind.Cross != request.Authority is not null)
        {
            throw new RefusalException(Refusal.Malformed, "交叉证书须给出对方CA的证书；其他证书不得给出。");
        }

        // One algorithm from end to end, or a relying party that knows only one of them could not check the path. Only cross-certificates lead from one to another.
        if (profile.Kind != ProfileKind.Cross && request.SubjectPublicKeyInfo.Algorithm != issuer.SubjectPublicKeyInfo.Algorithm)
        {
            throw new RefusalException(Refusal.BadPublicKey, "公钥算法与签发CA的算法不同。");
        }

        if (request.Authority is { } authority
            && (authority.Tbs.Extensions?.Find<BasicConstraints>() is not { IsCa: true } || authority.Tbs.SubjectPublicKeyInfo != request.SubjectPublicKeyInfo))
        {
            throw new RefusalException(Refusal.BadPublicKey, "给出的证书不是CA证书，或其公钥与申请的公钥不同。");
        }

        // RFC 5280 §6.1.4 (m): a path below would not be valid. Self-issued certificates do not count.
        bool selfIssued = request.Authority?.Tbs.Subject == issuer.Name;
        if (profile.IsAuthority && !isRootToBe && !selfIssued && issuer.PathLength is { } length && (profile.Options.BasicConstraints!.PathLength ?? int.MaxValue) >= length)
        {
            throw new RefusalException(Refusal.OutOfScope, $"签发CA的路径长度限制为{length}，不能签发该模板的CA证书。");
        }
    }

    private static Validity BuildValidity(Issuer issuer, IssuanceRequest request)
    {
        ValidityOptions options = request.Profile.Options.Validity;
        var notBefore = Time.Truncate(request.NotBefore);
        var notAfter = Time.Truncate(request.NotAfter);
        if (notAfter < notBefore)
        {
            throw new RefusalException(Refusal.Malformed, "有效期的终止时间早于起始时间。");
        }

        if (notAfter.Value - notBefore.Value > TimeSpan.FromDays(options.MaximumDays))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"证书模板“{request.Profile.Options.Title}”的有效期最长为{options.MaximumDays}天。");
        }

        if (notBefore.Value < request.IntendedAt.AddSeconds(-options.BackdateSeconds - 1))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"起始时间不得早于签发决定之前{options.BackdateSeconds}秒。");
        }

        if (issuer.Certificate?.Tbs.Validity is { } own && (notAfter > own.NotAfter || notBefore < own.NotBefore))
        {
            throw new RefusalException(Refusal.ValidityTooLong, $"有效期超出签发CA证书自身的有效期（{own.NotBefore}至{own.NotAfter}）。");
        }

        return new Validity(notBefore, notAfter);
    }
}
