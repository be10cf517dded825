using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>Who signed a transcript.</summary>
internal static class WitnessSignatures
{
    private const int MaxLength = 4096;

    /// <param name="prefix">Where the signatures' folder is: empty, or <c>basis/</c>.</param>
    /// <param name="all">Every file of the output.</param>
    public static void Check(CeremonyFolder folder, string prefix, IReadOnlyList<string> all, Transcript transcript, byte[] bytes, Verdict verdict)
    {
        string signatures = $"{prefix}{CeremonyFolder.SignatureFolder}";
        var signed = new HashSet<string>();
        foreach (string file in all.Where(file => CeremonyFolder.IsIn(file, signatures)))
        {
            string name = file[(signatures.Length + 1)..];
            WitnessPlan? witness = transcript.Witnesses.FirstOrDefault(each => name == $"{each.Name}.sig");
            if (witness is null)
            {
                verdict.Fault($"{file} is of nobody in the transcript.");
            }
            else if (!Holds(witness, bytes, PlanFile.Input(folder.PathOf(file), MaxLength)))
            {
                verdict.Fault($"{file}: the signature of {witness.Name} does not hold.");
            }
            else
            {
                signed.Add(witness.Name);
            }
        }

        // Not what the transcript asks of itself alone: a plan has never asked for fewer.
        int threshold = Math.Max(2, transcript.WitnessThreshold);
        verdict.Demand(
            signed.Count >= threshold,
            $"{signed.Count} witnesses have signed the transcript{(prefix.Length > 0 ? " of the basis" : "")}, and it takes {threshold}. Missing: {string.Join(", ", transcript.Witnesses.Select(each => each.Name).Except(signed))}. "
            + $"Each signs with: zwca token sign --token HIS_TOKEN --statement {folder.PathOf(prefix + CeremonyFolder.TranscriptFile)} --out {folder.PathOf($"{signatures}/NAME.sig")}");
        verdict.Say($"signatures of {string.Join(", ", signed.Order(StringComparer.Ordinal))} over the transcript{(prefix.Length > 0 ? " of the basis" : "")}, SM3 {Convert.ToHexStringLower(Sm3.HashData(bytes))}");
        foreach (WitnessPlan witness in transcript.Witnesses.Where(each => signed.Contains(each.Name)))
        {
            verdict.Say($"  {witness.Name} signed with {witness.PublicKey}");
        }
    }

    private static bool Holds(WitnessPlan witness, byte[] message, byte[] file)
    {
        try
        {
            // Byte for byte, or a second encoding would pass for the same signature.
            StatementSignature signature = Der.Decode<StatementSignature>(file);
            return PlanCheck.FindKey(witness) is { } key
                && signature.Signer.Span.SequenceEqual(StatementSignature.IdOf(SubjectPublicKeyInfo.ForSm2(key.ToBytes())))
                && Der.Encode(signature).AsSpan().SequenceEqual(file)
                && key.Verify(message, signature.Signature.Raw.Span);
        }
        catch (DerException)
        {
            // What cannot be read is no signature.
            return false;
        }
    }
}
