using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Commands;

// What an officer writes down of a command, besides its action: docs/COMMANDS.md has every field. Names of files are relative to the file that they stand in.

/// <param name="Code">GB/T 2260, as are all regions here.</param>
internal sealed record RegionPaper(string Code, string Parent, string Name);

/// <param name="Certificate">File.</param>
internal sealed record OfficerPaper(string Certificate);

/// <param name="Region">Of his office.</param>
/// <param name="Officer">Serial number of his present certificate.</param>
internal sealed record OfficerChangePaper(string Region, string Officer, string Reason);

/// <param name="Officer">Serial number of the certificate that is replaced.</param>
/// <param name="Certificate">File.</param>
internal sealed record OfficerReplacementPaper(string Officer, string Certificate);

/// <param name="Hash">SM3 of the version; null: the one that this program has.</param>
internal sealed record ProfilePaper(string Profile, string? Hash = null);

internal sealed record RaPaper(string Name, string Entity, string Region, long Quota, IReadOnlyList<ScopePaper> Scope);

/// <param name="Issuer">File of the CA's certificate, or its SubjectKeyIdentifier.</param>
internal sealed record ScopePaper(string Profile, string Issuer);

internal sealed record RaSwitchPaper(string Region, string Name, string Reason);

internal sealed record OrderPaper(string Region, CertificatePaper Certificate);

/// <param name="Client">Of an officer his person id.</param>
internal sealed record ClientPaper(string Region, string Client, LinkKind Kind, CertificatePaper Certificate);

/// <param name="Thumbprint">SHA-256 of the link certificate, or its file.</param>
internal sealed record ClientSwitchPaper(string Thumbprint, string Reason, string Region = "000000");

/// <param name="Issuer">File of the CA's certificate, or its SubjectKeyIdentifier.</param>
/// <param name="Request">File, PKCS #10.</param>
/// <param name="Subject">By RFC 4514, without country and place.</param>
/// <param name="Names"><c>dns:…</c>, <c>ip:…</c></param>
/// <param name="Evidence">Files.</param>
/// <param name="Hash">As of <see cref="ProfilePaper"/>.</param>
internal sealed record CertificatePaper(
    string Profile,
    string Issuer,
    string Entity,
    string Request,
    string Subject,
    int Days,
    IReadOnlyList<string>? Names = null,
    OfficePaper? Officer = null,
    IReadOnlyList<string>? Evidence = null,
    string? Hash = null);

/// <param name="Person">32 hexadecimal digits.</param>
internal sealed record OfficePaper(string Person, string Role, string Region);

/// <param name="Certificate">Its file; or null, and issuer and serial number.</param>
internal sealed record StatusPaper(string Region, RevocationReason Reason, string? Certificate = null, string? Issuer = null, string? Serial = null);

/// <param name="Key">SM3 of its SubjectPublicKeyInfo, or a file with a certificate of it.</param>
internal sealed record KeyPaper(string Region, RevocationReason Reason, string Key);

/// <param name="Owner">As the CA names it: RA/ENTITY. Null: by subject.</param>
/// <param name="Subject">File of a certificate with it.</param>
internal sealed record OwnerPaper(string Region, RevocationReason Reason, string? Owner = null, string? Subject = null);

/// <param name="Kind">revoke, suspend, resume.</param>
internal sealed record BulkPaper(string Region, DecisionKind Kind, RevocationReason Reason, IReadOnlyList<ReferencePaper>? Certificates = null, IssuedPaper? Issued = null);

internal sealed record ReferencePaper(string Issuer, string Serial);

/// <param name="Region">Within that of the command.</param>
/// <param name="From">ISO 8601 to the second, with its offset, as <paramref name="Until"/>.</param>
internal sealed record IssuedPaper(string Region, string From, string Until, string? Ra = null);

internal sealed record CrlPaper(string Issuer);

/// <param name="File">The CRL itself, of which the SM3 is taken.</param>
internal sealed record CrlAdoptionPaper(string Issuer, string Shard, string File);

/// <param name="Certificate">File, of the key that signs its messages.</param>
internal sealed record ServedCaPaper(
    string Name, string Certificate, string Link, SignedPart SignedPart = SignedPart.Content, SignatureForm SignatureForm = SignatureForm.Der);

internal sealed record ServedCaSwitchPaper(string Name, string Reason);

/// <param name="Ca">As the KMC knows it.</param>
/// <param name="Serial">Of the encryption certificate.</param>
/// <param name="Statement">File: DER of the SignedStatement over the case, with the recovery officers' signatures.</param>
internal sealed record JudicialPaper(string Ca, string Serial, string Statement);

internal sealed record DiscardPaper(string Reason);

/// <param name="Certificate">File, of the link.</param>
internal sealed record AdmissionPaper(string Client, LinkKind Kind, string Certificate);
