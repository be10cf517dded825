using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>What a demo leaves to anybody else's tools, as files of forms that everybody reads; <c>index.json</c> says what each is. Safe for concurrent use.</summary>
internal sealed class OutputFolder(DirectoryInfo folder)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, IndexEntry> _entries = new(StringComparer.Ordinal);

    public string FullName => folder.FullName;

    /// <summary>As files are numbered: 001.</summary>
    public static string NumberOf(long row) => row.ToString("D3", CultureInfo.InvariantCulture);

    public string PathOf(string name) => Path.Combine([folder.FullName, .. name.Split('/')]);

    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        string path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    public void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A certificate, with what whoever checks it has to expect.</summary>
    /// <param name="issuer">Its CA's file.</param>
    /// <param name="status">What OCSP says of it. Null: nobody asks.</param>
    public void WriteCertificate(string name, string what, Certificate certificate, string issuer, string? status)
    {
        Write(name, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
        Describe(new IndexEntry(name, what) { Subject = certificate.Tbs.Subject.ToWireString(), Serial = certificate.Tbs.SerialNumber.ToString(), Issuer = issuer, Status = status });
    }

    /// <summary>What was handed out: later nobody has the envelope any more.</summary>
    /// <param name="name">Of the subscriber's files.</param>
    public void WriteDelivery(string name, DeliveryAnswer delivery)
    {
        if (delivery.Pair is { Envelope: { } envelope } pair)
        {
            Write($"subscribers/{name}.envelope.der", envelope);
            Write($"subscribers/{name}.skf.blob", pair.EnvelopedKeyBlob);
        }
    }

    public void Describe(IndexEntry entry)
    {
        lock (_lock)
        {
            _entries[entry.File] = entry;
        }
    }

    public void WriteIndex()
    {
        lock (_lock)
        {
            Write("index.json", JsonSerializer.Serialize(_entries.Values, Json));
        }
    }
}

/// <summary>What a file is.</summary>
/// <param name="File">Relative to the folder.</param>
/// <param name="What">In English.</param>
internal sealed record IndexEntry(string File, string What)
{
    public string? Subject { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public string? Serial { get; init; }

    /// <summary>File of the certificate whose key signed it.</summary>
    public string? Issuer { get; init; }

    /// <summary>What OCSP says: good, revoked.</summary>
    public string? Status { get; init; }

    /// <summary>File of the certificate that it is about.</summary>
    public string? Of { get; init; }
}
