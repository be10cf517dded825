namespace ZwCa.Issuance;

/// <summary>Names of hosts and mailboxes as octets.</summary>
internal static class HostNames
{
    /// <summary>RFC 1034 §3.5, RFC 1123 §2.1: at most 253 octets, labels of 1 to 63; the first may be an asterisk, of at least two more (RFC 9525 §6.3).</summary>
    public static bool IsDnsName(ReadOnlySpan<byte> name) => name.StartsWith("*."u8)
        ? name[2..].Contains((byte)'.') && IsHost(name[2..]) : IsHost(name);

    /// <summary>RFC 5321 §4.1.2, the dotted local part; addresses in brackets and quoted strings are mailboxes too, but nobody has one.</summary>
    public static bool IsMailbox(ReadOnlySpan<byte> mailbox)
    {
        int at = mailbox.LastIndexOf((byte)'@');
        if (at is < 1 or > 64 || !IsHost(mailbox[(at + 1)..]))
        {
            return false;
        }

        ReadOnlySpan<byte> local = mailbox[..at];
        return !local.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) && !local.ContainsAny("\"(),:;<>@[\\]"u8)
            && local[0] != '.' && local[^1] != '.' && local.IndexOf(".."u8) < 0;
    }

    private static bool IsHost(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > 253)
        {
            return false;
        }

        while (true)
        {
            int dot = name.IndexOf((byte)'.');
            ReadOnlySpan<byte> label = dot < 0 ? name : name[..dot];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (byte octet in label)
            {
                if (!char.IsAsciiLetterOrDigit((char)octet) && octet != '-')
                {
                    return false;
                }
            }

            if (dot < 0)
            {
                return true;
            }

            name = name[(dot + 1)..];
        }
    }
}
