using System.Numerics;
using System.Runtime.InteropServices;

namespace ZwCa.Issuance;

internal sealed class CrlEntryStructure : CrlEntryRule
{
    public override string Id => "crl-entry-structure";

    public override string Source => "RFC 5280 §5.1";

    public override string Demand => "Every entry is a SEQUENCE of serial number, date and, where there are any, extensions.";

    internal override bool JudgesFaults => true;

    public override string? Check(in CrlEntryView entry, CrlView crl) => entry.Fault;
}

internal sealed class CrlEntryDer : CrlEntryRule
{
    private const int MaxDepth = 8;

    public override string Id => "crl-entry-der";

    public override string Source => "X.690 §8.3.2, §10.1, §11.1, §11.5, RFC 5280 §5.1.1.3";

    public override string Demand => "In every entry, lengths, INTEGERs, ENUMERATEDs and BOOLEANs have their one form of DER, and no extension says that it is not critical.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => FaultOf(new DerCursor(entry.Encoded), 0);

    private static string? FaultOf(DerCursor elements, int depth)
    {
        while (elements.Next())
        {
            if (!elements.IsMinimal)
            {
                return "a length of more octets than needed";
            }

            ReadOnlySpan<byte> content = elements.Content;
            string? fault = elements.Tag switch
            {
                DerTag.Integer or DerTag.Enumerated when !CrlInteger.IsMinimal(content) => "an INTEGER or ENUMERATED of more octets than needed",
                DerTag.Boolean when content is not [0xff] => "a BOOLEAN that is not FF",
                >= 0x20 when (elements.Tag & 0x20) != 0 && depth < MaxDepth => FaultOf(new DerCursor(content), depth + 1),
                DerTag.OctetString when depth == 3 => FaultOf(new DerCursor(content), depth + 1),
                _ => null,
            };
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }
}

internal sealed class CrlEntrySerialNumber : CrlEntryRule
{
    public override string Id => "crl-entry-serial-number";

    public override string Source => "RFC 5280 §4.1.2.2, §5.1.2.6";

    public override string Demand => "Serial numbers are positive and have at most 20 octets.";

    public override string? Check(in CrlEntryView entry, CrlView crl) =>
        entry.SerialNumber.Length > CrlInteger.MaxOctets ? $"{entry.SerialNumber.Length} octets"
        : entry.SerialNumber.ContainsAnyExcept((byte)0) && entry.SerialNumber[0] < 0x80 ? null
        : "not positive";
}

/// <summary>
/// Where serial numbers do not ascend, it takes 8 octets of memory for each entry, for a hash of its serial number; only where two hashes are the same are the serial numbers themselves compared. Entries beyond
/// <see cref="MaxEntries"/> are not looked at: a CRL has 20 million at most where it may have 512 MiB.
/// </summary>
internal sealed class CrlEntryUnique : CrlFieldRule
{
    private const int MaxEntries = 30_000_000;

    // Chosen at the start: nobody can make many serial numbers with one hash.
    private static readonly ulong Seed = BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(ulong)));

    public override string Id => "crl-entry-unique";

    public override string Source => "RFC 5280 §5.1.2.6, §5.3";

    public override string Demand => "No serial number occurs twice. In an indirect CRL this is not looked at: there a serial number belongs to its certificateIssuer.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (crl.IsIndirect || AreAscending(crl))
        {
            return null;
        }

        var hashes = new List<ulong>();
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            if (entry.Fault is null && hashes.Count < MaxEntries)
            {
                hashes.Add(Hash(entry.SerialNumber));
            }
        }

        hashes.Sort();
        var twice = new HashSet<ulong>();
        for (int i = 1; i < hashes.Count; i++)
        {
            if (hashes[i] == hashes[i - 1])
            {
                twice.Add(hashes[i]);
            }
        }

        return twice.Count == 0 ? null : FirstTwice(crl, twice);
    }

    /// <summary>As ours are, and most others.</summary>
    private static bool AreAscending(CrlView crl)
    {
        Span<byte> last = stackalloc byte[CrlInteger.MaxOctets];
        int length = 0;
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            ReadOnlySpan<byte> serial = entry.SerialNumber.TrimStart((byte)0);
            if (entry.Fault is not null || serial.Length > last.Length || last[..length].SequenceCompareTo(serial) >= 0)
            {
                return false;
            }

            serial.CopyTo(last);
            length = serial.Length;
        }

        return true;
    }

    private static string? FirstTwice(CrlView crl, HashSet<ulong> hashes)
    {
        var seen = new HashSet<string>();
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            if (entry.Fault is null && hashes.Contains(Hash(entry.SerialNumber)) && !seen.Add(Convert.ToHexStringLower(entry.SerialNumber)))
            {
                return $"entry {entry.Number} at offset {entry.Offset}: the same as an earlier one";
            }
        }

        return null;
    }

    /// <summary>Multiply and mix, eight octets at a time; it wraps by intent.</summary>
    private static ulong Hash(ReadOnlySpan<byte> serialNumber)
    {
        ulong hash = Seed ^ (ulong)serialNumber.Length;
        unchecked
        {
            for (; serialNumber.Length >= sizeof(ulong); serialNumber = serialNumber[sizeof(ulong)..])
            {
                hash = Mix(hash ^ MemoryMarshal.Read<ulong>(serialNumber));
            }

            foreach (byte octet in serialNumber)
            {
                hash = Mix(hash ^ octet);
            }
        }

        return hash;
    }

    private static ulong Mix(ulong word)
    {
        ulong high = Math.BigMul(word, 0x9e37_79b9_7f4a_7c15, out ulong low);
        return BitOperations.RotateLeft(low, 29) ^ high ^ word;
    }
}

internal sealed class CrlEntryDateForm : CrlEntryRule
{
    public override string Id => "crl-entry-date-form";

    public override string Source => "RFC 5280 §5.1.2.6";

    public override string Demand => "Revocation dates have the form of thisUpdate.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => CrlTime.Fault(entry.DateTag, entry.Date);
}

internal sealed class CrlEntryDatePast : CrlEntryRule
{
    public override string Id => "crl-entry-date-past";

    public override string Source => "RFC 5280 §5.1.2.6";

    public override string Demand => "No revocation date is after thisUpdate.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => CrlTime.Read(entry.DateTag, entry.Date) > CrlTime.Read(crl.ThisUpdate) ? "it is" : null;
}
