using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Issuance;

namespace ZwCa.Admin.Lint;

/// <summary>A certificate or a CRL in a file; one of the two is null.</summary>
internal sealed record LintSubject(CertificateView? Certificate, CrlView? Crl)
{
    public string Kind => Certificate is null ? "crl" : "certificate";
}

/// <summary>A file with certificates and CRLs: one in DER, or any number in PEM. A CRL in DER stays in the file and is read as it is judged; everything else is in memory.</summary>
internal sealed class LintFile : IDisposable
{
    public const int MaxCertificateLength = 64 * 1024;
    public const long MaxLength = 512L * 1024 * 1024;

    private const int HeadLength = 1 << 16;
    private const byte Sequence = 0x30;

    private readonly FileStream _stream;

    private LintFile(FileStream stream)
    {
        _stream = stream;
        Subjects = ReadSubjects();
    }

    public IReadOnlyList<LintSubject> Subjects { get; }

    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    /// <exception cref="DerException">Too large, or neither DER nor PEM of certificates and CRLs; the message says which.</exception>
    public static LintFile Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            return new LintFile(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The only certificate of a file.</summary>
    /// <exception cref="DerException">There is another number of them, or something else.</exception>
    public static CertificateView ReadCertificate(string path)
    {
        using LintFile file = Open(path);
        return file.Subjects is [{ Certificate: { } certificate }] ? certificate : throw new DerException("One certificate is expected.");
    }

    public void Dispose() => _stream.Dispose();

    private List<LintSubject> ReadSubjects()
    {
        if (!_stream.CanSeek || _stream.Length > MaxLength)
        {
            throw new DerException($"Only files of at most {MaxLength} bytes are read.");
        }

        byte[] head = new byte[Math.Min(HeadLength, _stream.Length)];
        _stream.ReadExactly(head);

        // What begins with SEQUENCE and a length above 127 is no text; shorter ones are neither certificates nor CRLs.
        if (head is not [Sequence, >= 0x80, ..])
        {
            return ReadPem();
        }

        if (CrlView.IsLikely(head))
        {
            return [new LintSubject(null, CrlView.Read(_stream))];
        }

        if (_stream.Length > MaxCertificateLength)
        {
            throw TooLong();
        }

        return [new LintSubject(CertificateView.Read(head), null)];
    }

    private List<LintSubject> ReadPem()
    {
        byte[] text = new byte[_stream.Length];
        _stream.Position = 0;
        _stream.ReadExactly(text);
        var subjects = new List<LintSubject>();
        ReadOnlySpan<byte> rest = text;
        while (PemEncoding.TryFindUtf8(rest, out PemFields fields))
        {
            // Nothing that was meant as a block is passed over.
            RequireNoMarker(rest[..fields.Location.Start.Value]);
            subjects.Add(Read(rest[fields.Label], Decode(rest[fields.Base64Data], fields.DecodedDataLength)));
            rest = rest[fields.Location.End.Value..];
        }

        RequireNoMarker(rest);
        return subjects.Count > 0 ? subjects : throw new DerException("Neither DER nor PEM.");
    }

    private static LintSubject Read(ReadOnlySpan<byte> label, byte[] der)
    {
        if (label.SequenceEqual("X509 CRL"u8))
        {
            return new LintSubject(null, CrlView.Read(der));
        }

        if (!label.SequenceEqual("CERTIFICATE"u8) && !label.SequenceEqual("X509 CERTIFICATE"u8))
        {
            throw new DerException("A block is neither CERTIFICATE nor X509 CRL.");
        }

        return der.Length > MaxCertificateLength ? throw TooLong() : new LintSubject(CertificateView.Read(der), null);
    }

    private static byte[] Decode(ReadOnlySpan<byte> base64, int length)
    {
        byte[] der = new byte[length];
        return Base64.DecodeFromUtf8(base64, der, out int read, out int written) == OperationStatus.Done && read == base64.Length && written == length
            ? der
            : throw new DerException("The Base64 is damaged.");
    }

    private static void RequireNoMarker(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf("-----BEGIN "u8) >= 0 || text.IndexOf("-----END "u8) >= 0)
        {
            throw new DerException("A PEM block is damaged.");
        }
    }

    private static DerException TooLong() => new($"A certificate has at most {MaxCertificateLength} bytes.");
}
