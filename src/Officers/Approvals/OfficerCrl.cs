using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Officers;

/// <summary>A fresh and complete revocation list of an officer issuer: for the KMC, which has no directory of a CA's officers (trust.md §3).</summary>
public sealed class OfficerCrl
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
    private static readonly HashSet<string> Understood = [];

    private readonly Sm2PublicKey _issuer;
    private readonly Name _issuerName;
    private readonly HashSet<SerialNumber> _revoked;
    private readonly DateTimeOffset _now;

    private OfficerCrl(CertificateList list, Sm2PublicKey issuer, byte[] issuerId, BigInteger number, DateTimeOffset now)
    {
        _issuer = issuer;
        _issuerName = list.Tbs.Issuer;
        _revoked = [.. list.Tbs.RevokedCertificates.Select(each => each.UserCertificate)];
        _now = now;
        IssuerId = issuerId;
        Number = number;
    }

    /// <summary>SM3 of the issuer's name and key, 32 bytes: each issuer counts for itself.</summary>
    public ReadOnlyMemory<byte> IssuerId { get; }

    /// <summary>The caller keeps the highest that it has seen of an issuer and gives it the next time.</summary>
    public BigInteger Number { get; }

    /// <param name="bytes">DER of CertificateList.</param>
    /// <param name="highestNumber">The highest CRL number seen so far of an <see cref="IssuerId"/>; zero: none yet.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>; <see cref="Refusal.BadSignature"/>: by no pinned issuer; <see cref="Refusal.Expired"/>: older than 24 hours, past its
    /// nextUpdate, from the future, or with a number below.
    /// </exception>
    public static OfficerCrl Verify(ReadOnlyMemory<byte> bytes, OfficerIssuers issuers, DateTimeOffset now, Func<ReadOnlyMemory<byte>, BigInteger> highestNumber)
    {
        ArgumentNullException.ThrowIfNull(issuers);
        ArgumentNullException.ThrowIfNull(highestNumber);
        try
        {
            CertificateList list = Der.Decode<CertificateList>(bytes);
            Sm2PublicKey? issuer = list.AlgorithmsAgree && list.SignatureAlgorithm == AlgorithmIdentifier.Sm3WithSm2
                ? issuers.FindSigner(list.TbsBytes.Span, list.Signature)
                : null;
            Require(issuer is not null, Refusal.BadSignature, "吊销列表不是由受信任的人员证书签发者签发。");

            // A delta, or a list of some certificates only, says nothing of the others; both are marked critical.
            Require(list.Tbs.CrlExtensions?.CriticalExcept(Understood).Any() != true, Refusal.Malformed, "吊销列表不完整，或含有无法识别的关键扩展。");
            CrlNumber number = list.Tbs.CrlExtensions?.Find<CrlNumber>() ?? throw new RefusalException(Refusal.Malformed, "吊销列表没有编号。");
            DateTimeOffset thisUpdate = list.Tbs.ThisUpdate.Value;
            Require(
                thisUpdate >= now - MaxAge && thisUpdate <= now + ClockSkew && list.Tbs.NextUpdate is { } next && next.Value >= now,
                Refusal.Expired,
                "吊销列表不是24小时内签发，或已过期。");
            byte[] issuerId = Sm3.HashData([.. Der.Encode(list.Tbs.Issuer), .. issuer!.ToBytes()]);
            Require(number.Number >= highestNumber(issuerId), Refusal.Expired, "吊销列表比已见过的旧。");
            return new OfficerCrl(list, issuer, issuerId, number.Number, now);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "吊销列表格式有误。", inner: e);
        }
    }

    internal void RequireNotRevoked(OfficerCertificate officer)
    {
        Require(
            _issuer.ToBytes().AsSpan().SequenceEqual(officer.Issuer.ToBytes()) && _issuerName == officer.Certificate.Tbs.Issuer,
            Refusal.BadSignature,
            "吊销列表不是该人员证书的签发者签发。");

        // A list names no certificates that have expired: whoever has the key of one that was revoked before could date his approval back.
        Require(officer.IsValidAt(_now), Refusal.NotAllowed, "人员证书不在有效期内。");
        Require(!_revoked.Contains(officer.SerialNumber), Refusal.NotAllowed, "人员证书已吊销。");
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
