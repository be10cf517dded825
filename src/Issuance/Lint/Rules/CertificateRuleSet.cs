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
        new RsaModulusOdd(),
        new RsaExponentOdd(),
        new RsaExponentSize(),
        new ProfileKey(),
    ];
}
