namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>The configuration is wrong; each reason names its setting and holds no secret.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> reasons) : Exception(string.Join(" ", reasons))
{
    public IReadOnlyList<string> Reasons { get; } = reasons;
}
