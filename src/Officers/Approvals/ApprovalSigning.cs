using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Officers;

/// <summary>Makes approvals: with the key of a token, or with one in a device.</summary>
public static class ApprovalSigning
{
    /// <param name="applications">1 to 10,000.</param>
    /// <param name="time">Of the decision; less than a second is cut off.</param>
    public static TbsApproval Build(ApprovalStep step, IReadOnlyList<Application> applications, DateTimeOffset time)
    {
        ArgumentNullException.ThrowIfNull(applications);
        return new TbsApproval(step, [.. applications.Select(application => (ReadOnlyMemory<byte>)application.Digest)], Time.Truncate(time));
    }

    /// <param name="certificate">The officer's, for the same key.</param>
    public static Approval Sign(TbsApproval tbs, Sm2PrivateKey key, Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(tbs);
        ArgumentNullException.ThrowIfNull(key);
        byte[] bytes = Der.Encode(tbs);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(bytes, signature);
        return Approval.Assemble(bytes, Sm2Signature.FromRaw(signature), certificate);
    }

    /// <param name="signer">With an SM2 key.</param>
    /// <param name="certificate">The officer's, for the same key.</param>
    /// <exception cref="ArgumentException">A key of another kind.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public static async Task<Approval> SignAsync(TbsApproval tbs, HsmSigner signer, Certificate certificate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tbs);
        ArgumentNullException.ThrowIfNull(signer);
        if (signer.AlgorithmIdentifier != AlgorithmIdentifier.Sm3WithSm2)
        {
            throw new ArgumentException("Approvals are signed with SM2.", nameof(signer));
        }

        byte[] bytes = Der.Encode(tbs);
        return Approval.Assemble(bytes, Der.Decode<Sm2Signature>(await signer.SignAsync(bytes, cancellationToken)), certificate);
    }
}
