using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Pkix;

/// <summary>Our CRLs before openssl.</summary>
public class CrlTests
{
    private static readonly (RevocationReason Reason, string? Text)[] Reasons =
    [
        (RevocationReason.Unspecified, null),
        (RevocationReason.KeyCompromise, "Key Compromise"),
        (RevocationReason.CaCompromise, "CA Compromise"),
        (RevocationReason.AffiliationChanged, "Affiliation Changed"),
        (RevocationReason.Superseded, "Superseded"),
        (RevocationReason.CessationOfOperation, "Cessation Of Operation"),
        (RevocationReason.CertificateHold, "Certificate Hold"),
        (RevocationReason.RemoveFromCrl, "Remove From CRL"),
        (RevocationReason.PrivilegeWithdrawn, "Privilege Withdrawn"),
        (RevocationReason.AaCompromise, "AA Compromise"),
    ];

    /// <summary>All that makes a CRL other than full.</summary>
    private static readonly string[] Scopes =
    [
        "X509v3 Issuing Distribution Point: critical",
        $"URI:{TestProfiles.CrlUri}",
        "Only User Certificates",
        "Only CA Certificates",
        "X509v3 Delta CRL Indicator: critical",
    ];

    public static MatrixTheoryData<KeyKind, CrlShape, bool> Crls => new(Enum.GetValues<KeyKind>(), Enum.GetValues<CrlShape>(), [false, true]);

    [Theory]
    [MemberData(nameof(Crls))]
    public void Crl_IsReadAndItsSignatureVerified(KeyKind kind, CrlShape shape, bool streamed)
    {
        using var openssl = new OpenSsl();
        Holder issuer = TestAuthority.Of(kind).Issuing;
        IReadOnlyList<(CrlEntry Entry, string? Reason)> entries = Entries(shape);
        byte[] crl = Make(issuer, issuer.Key, shape, [.. entries.Select(e => e.Entry)], streamed);

        OpenSsl.Output text = openssl.Run(["crl", "-inform", "DER", "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb"], crl);
        IReadOnlyList<string> lines = text.Lines;

        text.HasLines(
            "Version 2 (0x1)", $"Signature Algorithm: {kind.SignatureAlgorithmName()}", "Issuer: C = CN, O = 政务, CN = 政务运营CA");
        text.HasLines("X509v3 CRL Number:", $"0x{TestCrls.Number:X}");
        Assert.Equal(Scope(shape), Scopes.Where(text.Says));
        Assert.Equal(
            ExpectedEntries(entries),
            lines.SkipWhile(l => l != "Revoked Certificates:").Skip(1).TakeWhile(l => !l.StartsWith("Signature", StringComparison.Ordinal)));
        openssl.VerifiesSigned(kind, issuer.Key.PublicKey, crl);
    }

    /// <summary>GM/T 0015-2012 §5.3: revokedCertificates is absent, not empty.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CrlWithoutEntries_HasNoList(bool streamed)
    {
        using var openssl = new OpenSsl();
        Holder issuer = TestAuthority.Of(KeyKind.Sm2).Issuing;
        byte[] crl = Make(issuer, issuer.Key, CrlShape.Full, [], streamed);

        Assert.Contains("No Revoked Certificates.", openssl.Run(["crl", "-inform", "DER", "-noout", "-text"], crl).Lines);
        openssl.VerifiesSigned(KeyKind.Sm2, issuer.Key.PublicKey, crl);
    }

    /// <summary>More than one buffer, entries of different lengths.</summary>
    [Fact]
    public void StreamedCrlOfManyEntries_IsVerified()
    {
        using var openssl = new OpenSsl();
        const int Count = 5000;
        Holder issuer = TestAuthority.Of(KeyKind.Sm2).Issuing;
        Time now = TestAuthority.In(TimeSpan.Zero);
        CrlEntry[] entries =
        [
            .. Enumerable.Range(1, Count).Select(i =>
                new CrlEntry(SerialNumber.FromBytes(BitConverter.GetBytes(i)), now, Reasons[i % 7].Reason, i % 3 == 0 ? now : null)),
        ];
        byte[] crl = TestCrls.Stream(issuer, issuer.Key, CrlShape.Full, entries);

        IReadOnlyList<string> lines = openssl.Run(["crl", "-inform", "DER", "-noout", "-text"], crl).Lines;

        Assert.Equal(Count, lines.Count(l => l.StartsWith("Serial Number:", StringComparison.Ordinal)));
        openssl.VerifiesSigned(KeyKind.Sm2, issuer.Key.PublicKey, crl);
    }

    /// <summary>Where openssl can verify CRLs itself, which SM2 ones it cannot.</summary>
    [Theory]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Rsa)]
    public void CrlCommand_VerifiesTheIssuersAndNoOther(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        string issuer = authority.Issuing.WriteTo(openssl, "issuing.pem");

        // openssl 3.0 says so, but ends with exit code 0 in either case.
        Assert.Contains("verify OK", Verdict(authority.Issuing.Key));
        Assert.Contains("verify failure", Verdict(authority.Stranger));

        string Verdict(TestKey signer)
        {
            byte[] crl = TestCrls.Build(authority.Issuing, signer, CrlShape.Partitioned, []);
            return openssl.Run(["crl", "-inform", "DER", "-noout", "-CAfile", issuer], crl).Error;
        }
    }

    /// <summary>A relying party finds the certificate in the CRL: by serial number, distribution point and scope.</summary>
    [Theory]
    [InlineData(KeyKind.P256, CrlShape.Full, "certificate revoked")]
    [InlineData(KeyKind.P256, CrlShape.Partitioned, "certificate revoked")]
    [InlineData(KeyKind.Rsa, CrlShape.Full, "certificate revoked")]
    [InlineData(KeyKind.Rsa, CrlShape.Partitioned, "certificate revoked")]
    [InlineData(KeyKind.Rsa, CrlShape.Authorities, "different CRL scope")]
    public void RelyingParty_RefusesWhatTheCrlRevokes(KeyKind kind, CrlShape shape, string refusal)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        string[] verify =
        [
            "verify", "-partial_chain", "-crl_check", "-extended_crl", "-CRLfile", "crl.pem",
            "-trusted", authority.Issuing.WriteTo(openssl, "issuing.pem"),
            authority.Signing.WriteTo(openssl, "signing.pem"),
        ];

        WriteCrl(authority.Encryption);
        if (shape != CrlShape.Authorities)
        {
            openssl.Run(verify);
        }

        WriteCrl(authority.Signing);
        openssl.Refuses(refusal, verify);

        void WriteCrl(Holder revoked)
        {
            Time anHourAgo = TestAuthority.In(TimeSpan.FromHours(-1));
            var entry = new CrlEntry(revoked.Certificate.Tbs.SerialNumber, anHourAgo, RevocationReason.KeyCompromise);
            byte[] crl = TestCrls.Build(authority.Issuing, authority.Issuing.Key, shape, [entry]);
            openssl.WritePem("crl.pem", Pem.X509Crl, Der.Decode<CertificateList>(crl));
        }
    }

    private static byte[] Make(Holder issuer, TestKey signer, CrlShape shape, IReadOnlyList<CrlEntry> entries, bool streamed) =>
        streamed ? TestCrls.Stream(issuer, signer, shape, entries) : TestCrls.Build(issuer, signer, shape, entries);

    /// <summary>One of each reason, with and without invalidity date, and dates on both sides of 2050.</summary>
    private static List<(CrlEntry Entry, string? Reason)> Entries(CrlShape shape)
    {
        var revokedAt = new Time(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var late = new Time(new DateTimeOffset(2050, 1, 2, 3, 4, 5, TimeSpan.Zero));
        return
        [
            .. from r in Reasons
               where r.Reason != RevocationReason.RemoveFromCrl || shape == CrlShape.Delta
               from invalidity in new bool[] { false, true }
               select (
                   new CrlEntry(TestAuthority.NextSerialNumber(), invalidity ? late : revokedAt, r.Reason, invalidity ? revokedAt : null),
                   r.Text),
        ];
    }

    private static IEnumerable<string> ExpectedEntries(IEnumerable<(CrlEntry Entry, string? Reason)> entries)
    {
        foreach ((CrlEntry entry, string? reason) in entries)
        {
            yield return $"Serial Number: {entry.UserCertificate.ToString().ToUpperInvariant()}";
            yield return $"Revocation Date: Jan  2 03:04:05 {entry.RevocationDate.Value.Year} GMT";
            if (reason is not null || entry.InvalidityDate is not null)
            {
                yield return "CRL entry extensions:";
            }

            if (reason is not null)
            {
                yield return "X509v3 CRL Reason Code:";
                yield return reason;
            }

            if (entry.InvalidityDate is not null)
            {
                yield return "Invalidity Date:";
                yield return "Jan  2 03:04:05 2026 GMT";
            }
        }
    }

    private static string[] Scope(CrlShape shape) => shape switch
    {
        CrlShape.Partitioned => [Scopes[0], Scopes[1], Scopes[2]],
        CrlShape.Authorities => [Scopes[0], Scopes[3]],
        CrlShape.Delta => [Scopes[4]],
        _ => [],
    };
}
