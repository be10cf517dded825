namespace ZwCa.Issuance;

/// <summary>One AttributeTypeAndValue of a Name, as it is on the wire.</summary>
/// <param name="Rdn">The SET in which it is.</param>
internal readonly record struct NameAttribute(DerNode Rdn, DerNode Type, DerNode Value)
{
    private static ReadOnlySpan<byte> EmailAddress => [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

    private static ReadOnlySpan<byte> DomainComponent => [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];

    private static ReadOnlySpan<byte> UserId => [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01];

    /// <summary>n of an X.520 attribute type 2.5.4.n; -1: another type.</summary>
    public int X520 => Type.Content is [0x55, 0x04, < 0x80] ? Type.Content[2] : -1;

    public bool IsCommonName => X520 == 3;

    public bool IsSerialNumber => X520 == 5;

    public bool IsCountry => X520 == 6;

    /// <summary>serialNumber, countryName, dnQualifier: RFC 5280 appendix A.1 has them as PrintableString and nothing else.</summary>
    public bool IsPrintableOnly => X520 is 5 or 6 or 46;

    public bool IsIa5Only => Type.IsOid(EmailAddress) || Type.IsOid(DomainComponent);

    /// <summary>A type of RFC 5280 appendix A.1 whose value is a DirectoryString.</summary>
    public bool IsDirectoryString => X520 is 3 or 4 or 7 or 8 or 9 or 10 or 11 or 12 or 13 or 15 or 17 or 41 or 42 or 43 or 44 or 65
        || Type.IsOid(UserId);

    /// <summary>Upper bound in characters (RFC 5280 appendix A.1; streetAddress: X.520 annex C; UID: RFC 4524 §2.21).</summary>
    public int MaxCharacters => X520 switch
    {
        3 or 5 or 10 or 11 or 12 => 64,
        6 => 2,
        7 or 8 or 9 or 65 => 128,
        _ => Type.IsOid(EmailAddress) ? 255 : Type.IsOid(UserId) ? 256 : 32768,
    };

    /// <summary>The attributes in wire order; what is not formed like one is left out.</summary>
    public static NameAttributes Of(DerNode name) => new(name);
}

/// <summary>For <c>foreach</c>.</summary>
internal readonly struct NameAttributes(DerNode name)
{
    public Enumerator GetEnumerator() => new(name);

    public struct Enumerator(DerNode name)
    {
        private DerNode _rdn = name.First;
        private DerNode _attribute = name.First.First;

        public NameAttribute Current { get; private set; }

        public bool MoveNext()
        {
            while (_rdn.Exists)
            {
                while (_attribute.Exists)
                {
                    DerNode type = _attribute.First;
                    DerNode value = type.Next;
                    bool isAttribute = _rdn.Tag == DerTag.Set && _attribute.Tag == DerTag.Sequence && type.Tag == DerTag.ObjectIdentifier
                        && value.Exists && !value.Next.Exists;
                    _attribute = _attribute.Next;
                    if (isAttribute)
                    {
                        Current = new NameAttribute(_rdn, type, value);
                        return true;
                    }
                }

                _rdn = _rdn.Next;
                _attribute = _rdn.First;
            }

            return false;
        }
    }
}
