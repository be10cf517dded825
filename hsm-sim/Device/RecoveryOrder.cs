using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>Judicial recovery (司法恢复): what recovery officers of the policy signed.</summary>
internal static class RecoveryOrder
{
    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: the statement does not authorize that.</exception>
    public static void Verify(
        PolicyInForce policy, EnvelopeAuthorization.ByRecoveryOfficers authorization, EscrowedKey key, SubjectPublicKeyInfo recipient, DateTimeOffset now)
    {
        RecoveryRule rule = policy.Policy.Recovery ?? throw Refusal.Because("The policy has no recovery officers.");
        SignedStatement signed = Refusal.Read<SignedStatement>(authorization.Statement, "The recovery statement");
        RecoveryCase order = Refusal.Read<RecoveryCase>(signed.Statement, "The recovery case");
        Refusal.Unless(order.Partition.Span.SequenceEqual(key.Partition.Span), "The recovery case is for another partition.");
        Refusal.Unless(order.KeyId.Span.SequenceEqual(key.KeyId.Span), "The recovery case is for another key.");
        Refusal.Unless(order.Recipient == recipient, "The recovery case is for another recipient.");
        Refusal.Unless(now <= order.NotAfter.Value, "The recovery case has expired.");
        int signers = signed.ValidSigners(rule.Officers).Count;
        Refusal.Unless(signers >= rule.Threshold, $"{rule.Threshold} recovery officers must sign, {signers} did.");
    }
}
