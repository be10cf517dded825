using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Where an issuer publishes and under which OID arc its certificate policies are: what URL templates of profiles leave open.</summary>
public sealed record Publication
{
    /// <summary>Stands in the DN of every CA of a demonstration, and in no other.</summary>
    public const string DemoMark = "演示 DEMO";

    /// <param name="baseUrl">http, without a slash at the end: <c>http://pki.example.gov.cn</c>. Plain http, as relying parties expect of OCSP, CDP and AIA.</param>
    /// <param name="policyArc">Dotted OID.</param>
    /// <exception cref="ArgumentException">One of them is not what it should be.</exception>
    public Publication(string baseUrl, string policyArc)
    {
        ArgumentNullException.ThrowIfNull(baseUrl);
        ArgumentNullException.ThrowIfNull(policyArc);
        bool isUrl = Uri.TryCreate(baseUrl, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && baseUrl.All(char.IsAscii)
            && !baseUrl.EndsWith('/') && uri.Query.Length == 0 && uri.Fragment.Length == 0 && uri.UserInfo.Length == 0;
        BaseUrl = isUrl ? baseUrl : throw new ArgumentException("The base URL is http://HOST, without a slash at the end.", nameof(baseUrl));
        PolicyArc = AttributeNames.Find(policyArc) == policyArc ? policyArc : throw new ArgumentException("The policy arc is a dotted OID.", nameof(policyArc));
    }

    public string BaseUrl { get; }

    public string PolicyArc { get; }

    /// <summary>Certificates under this arc are of a demonstration (demo material never grows into production).</summary>
    public bool IsDemo => PolicyArc == Oids.DemoPolicyArc || PolicyArc.StartsWith(Oids.DemoPolicyArc + ".", StringComparison.Ordinal);

    /// <summary>Whether a CA's name says that it is of a demonstration.</summary>
    public static bool HasDemoMark(Name name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Rdns.Any(rdn => rdn.Attributes.Any(attribute => attribute.Text?.Contains(DemoMark, StringComparison.Ordinal) == true));
    }
}
