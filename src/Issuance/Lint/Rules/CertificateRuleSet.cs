namespace ZwCa.Issuance;

/// <summary>All rules of certificates.</summary>
internal static class CertificateRuleSet
{
    public static CertificateRule Structure { get; } = new CertificateStructure();

    public static CertificateRule[] All { get; } =
    [
        // Encoding
        Structure,
        new LengthMinimal(),
        new TagMinimal(),
        new IntegerMinimal(),
        new BooleanCanonical(),
        new UnusedBitsZero(),
        new StringPrimitive(),
        new SetSorted(),
        new OidCanonical(),
        new NullEmpty(),
        new DefaultOmitted(),

        // Version and serial number
        new Version3(),
        new SerialPositive(),
        new SerialLength(),
        new SerialEntropy(),
        new OwnSerial(),
        new UniqueIdsAbsent(),

        // Signature algorithm
        new AlgorithmsAgree(),
        new AlgorithmForm(),
        new Sm2SignatureParameters(),
        new RsaSignatureParameters(),
        new RsaPssParameters(),
        new EcdsaSignatureParameters(),
        new SignatureNotWeak(),
        new SignatureKnown(),
        new Sm2SignatureForm(),
        new EcdsaSignatureForm(),
        new RsaSignatureLength(),
        new SignatureOctets(),
        new SignatureFitsIssuer(),

        // Validity
        new TimeForm(),
        new TimeReal(),
        new TimeAlternative(),
        new ValidityOrder(),
        new ProfileValidity(),
        new ValidityWithinIssuer(),

        // Texts of names
        new DirectoryStringType(),
        new NameCountry(),
        new NamePrintableType(),
        new NameIa5Type(),
        new NameLength(),
        new NameUtf8(),
        new NamePrintableCharacters(),
        new NameIa5Characters(),
        new NameHidden(),
        new NameNormalized(),
        new NameSpaces(),

        // Names
        new NameForm(),
        new IssuerPresent(),
        new SubjectPresent(),
        new SingleAttribute(),
        new AttributeTwice(),
        new IssuerMatches(),
        new SubjectNotIssuer(),
        new ProfileSubject(),
        new ProfileSubjectText(),

        // Public keys
        new KeyForm(),
        new KeyOctets(),
        new KeyAlgorithmKnown(),
        new Sm2KeyAlgorithm(),
        new NamedCurve(),
        new RsaKeyParameters(),
        new Sm2PointForm(),
        new Sm2PointOnCurve(),
        new EcPointForm(),
        new KeyKnown(),
        new RsaKeyForm(),
        new RsaModulusSize(),
        new RsaSmallFactor(),
        new RsaRoca(),
        new RsaExponentOdd(),
        new RsaExponentSize(),
        new ProfileKey(),

        // Extensions
        new ExtensionsNotEmpty(),
        new ExtensionUnique(),
        new ExtensionValue(),
        new ExtensionForm(),
        new CriticalKnown(),
        new NeverCritical(),
        new GmNeverCritical(),
        new AlwaysCritical(),
        new AuthorityControls(),
        new ConstraintsNotEmpty(),
        new ProfileExtensions(),

        // Key identifiers
        new AkiPresent(),
        new AkiOnlyKeyIdentifier(),
        new AkiMatches(),
        new SkiPresent(),
        new GmSkiPresent(),
        new SkiLength(),
        new SkiOfKey(),

        // Key usage
        new KeyUsagePresent(),
        new KeyUsageCritical(),
        new KeyUsageNotEmpty(),
        new KeyUsageKnownBits(),
        new KeyUsageMinimal(),
        new CertSignNeedsCa(),
        new CaNeedsCertSign(),
        new GmUsageNotMixed(),
        new SigningUsage(),
        new EncryptionUsage(),
        new OnlyWithAgreement(),
        new UsageFitsKey(),
        new ProfileKeyUsage(),

        // Extended key usage
        new PurposesNotEmpty(),
        new PurposesUnique(),
        new AnyPurpose(),
        new ServerAuthUsage(),
        new ClientAuthUsage(),
        new EmailUsage(),
        new OcspSigningUsage(),
        new TimeStampingUsage(),
        new TimeStampingSole(),
        new TimeStampingCritical(),
        new OcspNoCheckPresent(),
        new OcspNoCheckPlace(),
        new CaPurposes(),
        new ProfilePurposes(),
        new ProfileNoCheck(),

        // Basic constraints
        new BasicConstraintsCritical(),
        new GmBasicConstraints(),
        new PathLengthOfCa(),
        new PathLengthNotNegative(),
        new PathLengthBelowIssuer(),
        new ProfileBasicConstraints(),

        // Policies
        new GmPoliciesPresent(),
        new PoliciesNotEmpty(),
        new PoliciesUnique(),
        new AnyPolicyOfCa(),
        new PolicyQualifiers(),
        new GmNoQualifiers(),
        new PolicyMappingsAny(),
        new ProfilePolicies(),
        new DemoMarked(),
        new DemoPolicy(),

        // Places of CRLs and issuers
        new GmCdpPresent(),
        new CaCdpPresent(),
        new CdpNotEmpty(),
        new CdpUri(),
        new CdpPlain(),
        new CdpNoReasons(),
        new CdpNoCrlIssuer(),
        new ProfileCdp(),
        new CdpOfIssuerKey(),
        new GmOcspPresent(),
        new GmCaIssuersPresent(),
        new AiaNotEmpty(),
        new AiaUri(),
        new AiaPlain(),
        new ProfileAia(),

        // Alternative names
        new SanNotEmpty(),
        new IanNotEmpty(),
        new SanUnique(),
        new SanDns(),
        new SanIp(),
        new SanEmail(),
        new SanUri(),
        new ServerAuthNeedsSan(),
        new ProfileSan(),

        // Identity numbers
        new IdentityNotCritical(),
        new IdentityPrintable(),
        new IdentifyCodeForm(),
        new ResidentIdCheck(),
        new CreditCodeCheck(),
        new OfficerIdentityPlace(),
        new ProfileIdentities(),

        // Pairs
        new PairSubject(),
        new PairIssuer(),
        new PairValidity(),
        new PairSerial(),
        new PairKey(),
        new PairAlgorithm(),
        new PairUsages(),
    ];
}
