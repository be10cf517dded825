using System.Security.Cryptography;
using ZwCa.Asn1;

namespace ZwCa.Admin.Crls;

/// <summary>The bytes of a CRL, wherever they are: a file or an address, DER or PEM. None of it is in memory; what has to be decoded or fetched goes through a temporary file.</summary>
internal sealed class CrlSource : IDisposable
{
    private const int BufferLength = 1 << 16;
    private const byte Sequence = 0x30;

    /// <summary>As <c>zwca lint</c> has it.</summary>
    private const long MaxFileLength = 512L << 20;

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private CrlSource(Stream stream) => Stream = stream;

    /// <summary>DER, seekable.</summary>
    public Stream Stream { get; }

    /// <param name="place">A path, or an http or https address.</param>
    /// <exception cref="DownloadException">It cannot be fetched.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    /// <exception cref="DerException">Too long, or damaged PEM.</exception>
    public static async Task<CrlSource> OpenAsync(string place, TimeProvider time, CancellationToken cancellationToken)
    {
        Stream stream;
        if (AddressOf(place) is { } url)
        {
            using var downloader = new Downloader(time);
            stream = (await downloader.GetAsync(url, new DownloadLimits(DownloadLimits.CrlBytes, Silence), cancellationToken)).Content;
        }
        else
        {
            stream = new FileStream(place, FileMode.Open, FileAccess.Read, FileShare.Read, BufferLength);
        }

        try
        {
            if (!stream.CanSeek || stream.Length > MaxFileLength)
            {
                throw new DerException($"Only files of at most {MaxFileLength} bytes are read.");
            }

            int first = stream.ReadByte();
            stream.Position = 0;
            if (first == Sequence)
            {
                return new CrlSource(stream);
            }

            Stream der = FromPem(stream);
            stream.Dispose();
            return new CrlSource(der);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <returns>Null: a path.</returns>
    public static Uri? AddressOf(string place) =>
        Uri.TryCreate(place, UriKind.Absolute, out Uri? url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) ? url : null;

    public void Dispose() => Stream.Dispose();

    /// <summary>The first CRL of a PEM file.</summary>
    private static FileStream FromPem(Stream pem)
    {
        byte[] buffer = new byte[BufferLength];
        int length = pem.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        ReadOnlySpan<byte> begin = "-----BEGIN X509 CRL-----"u8;
        int start = buffer.AsSpan(0, length).IndexOf(begin);
        if (start < 0)
        {
            throw new DerException("Neither DER nor PEM of a CRL.");
        }

        FileStream der = Downloader.TemporaryFile();
        try
        {
            using (var transform = new FromBase64Transform(FromBase64TransformMode.IgnoreWhiteSpaces))
            using (var decoder = new CryptoStream(der, transform, CryptoStreamMode.Write, leaveOpen: true))
            {
                start += begin.Length;
                while (length > 0)
                {
                    ReadOnlySpan<byte> piece = buffer.AsSpan(start, length - start);
                    int end = piece.IndexOf((byte)'-');
                    decoder.Write(end < 0 ? piece : piece[..end]);
                    if (end >= 0)
                    {
                        RequireEnd(pem, pem.Position - piece.Length + end);
                        break;
                    }

                    length = pem.Read(buffer);
                    start = 0;
                    if (length == 0)
                    {
                        throw new DerException("The PEM block has no end.");
                    }
                }

                decoder.FlushFinalBlock();
            }

            der.Position = 0;
            return der;
        }
        catch (FormatException e) when (e is not DerException)
        {
            der.Dispose();
            throw new DerException("The Base64 is damaged.", e);
        }
        catch
        {
            der.Dispose();
            throw;
        }
    }

    private static void RequireEnd(Stream pem, long position)
    {
        ReadOnlySpan<byte> expected = "-----END X509 CRL-----"u8;
        byte[] found = new byte[expected.Length];
        pem.Position = position;
        if (pem.ReadAtLeast(found, found.Length, throwOnEndOfStream: false) != found.Length || !expected.SequenceEqual(found))
        {
            throw new DerException("The PEM block has no end.");
        }
    }
}
