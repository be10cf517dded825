namespace ZwCa.Ca.KeyCentre;

/// <summary>The key management centre that makes this CA's subscribers' encryption keys: section <c>Ca:KeyCentre</c>.</summary>
public sealed record KeyCentreOptions
{
    /// <summary>https://HOST:PORT</summary>
    public required string Address { get; init; }

    /// <summary>As the KMC names itself: what signed messages to it are addressed to.</summary>
    public string Recipient { get; init; } = "kmc";

    /// <summary>PEM: of the key that signs the KMC's answers.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Label of the key that signs the messages of this CA.</summary>
    public required string MessageKey { get; init; }

    /// <summary>PEM: of that key, as it is registered at the KMC.</summary>
    public required string MessageCertificateFile { get; init; }

    /// <summary>For an answer: a request for a pair is refused after it.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>PEM: of keys that signed the KMC's answers before; what they signed and was not delivered yet holds on.</summary>
    public IReadOnlyList<string> EarlierCertificateFiles { get; init; } = [];

    /// <summary>How often it is looked whether the KMC has to be told something.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long after a key was asked for the KMC is asked again whether it has bound one that has to be revoked, while it says that it has not: until it takes that message no more. Five minutes
    /// there, and what clocks differ.
    /// </summary>
    public TimeSpan UnknownAfter { get; init; } = TimeSpan.FromMinutes(7);

    /// <returns>What is wrong with it.</returns>
    internal IEnumerable<string> Faults()
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out Uri? address) || address.Scheme != Uri.UriSchemeHttps)
        {
            yield return $"{CaOptions.Section}:KeyCentre:Address must be https://HOST:PORT.";
        }

        if (string.IsNullOrEmpty(CertificateFile) || string.IsNullOrEmpty(MessageKey) || string.IsNullOrEmpty(MessageCertificateFile))
        {
            yield return $"{CaOptions.Section}:KeyCentre must have CertificateFile, MessageKey and MessageCertificateFile.";
        }

        if (Timeout < TimeSpan.FromMilliseconds(100) || Timeout > TimeSpan.FromMinutes(1))
        {
            yield return $"{CaOptions.Section}:KeyCentre:Timeout must be a tenth of a second to one minute.";
        }

        if (Look < TimeSpan.FromMilliseconds(100) || Look > TimeSpan.FromHours(1))
        {
            yield return $"{CaOptions.Section}:KeyCentre:Look must be a tenth of a second to one hour.";
        }

        if (UnknownAfter < TimeSpan.Zero || UnknownAfter > TimeSpan.FromMinutes(20))
        {
            yield return $"{CaOptions.Section}:KeyCentre:UnknownAfter must be nothing to twenty minutes.";
        }
    }
}
