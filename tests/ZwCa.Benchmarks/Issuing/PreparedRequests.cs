using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Benchmarks;

/// <summary>
/// Whole requests of an RA, approved by two officers and signed, made before the time is taken; and the connections that send them. They have to be sent within five minutes.
/// </summary>
internal sealed class PreparedRequests : IDisposable
{
    private readonly ConcurrentBag<RawConnection> _connections = [];
    private readonly Func<int, byte[]> _make;
    private readonly byte[][] _requests;
    private int _next = -1;

    private PreparedRequests(Func<int, byte[]> make, int count)
    {
        _make = make;
        _requests = new byte[count][];
        Parallel.For(0, count, i => _requests[i] = make(i));
    }

    /// <summary>Taken so far.</summary>
    public int Sent => _next + 1;

    /// <param name="make">Called at the same time from several threads; makes the request of that number, which is like no other.</param>
    public static async Task<PreparedRequests> CreateAsync(Func<int, byte[]> make, int count, int connections, Func<Task<RawConnection>> open)
    {
        var prepared = new PreparedRequests(make, count);
        for (int i = 0; i < connections; i++)
        {
            prepared._connections.Add(await open());
        }

        return prepared;
    }

    /// <summary>For TLS servers' certificates: an SM2 key and an entity of its own each; or, of RSA keys, which take a second to make, one of eight.</summary>
    public static Task<PreparedRequests> ForCertificatesAsync(CaProcess ca, int count, int connections, bool rsa = false)
    {
        (string Entity, SubjectPublicKeyInfo Key, byte[] Csr)[] entities = rsa ? [.. Enumerable.Range(0, 8).Select(_ => NewRsaEntity())] : [];
        return CreateAsync(
            i =>
            {
                if (!rsa)
                {
                    return Sign(ca, "/certificates", ca.Scene.NewRequest());
                }

                (string entity, SubjectPublicKeyInfo key, byte[] csr) = entities[i % entities.Length];
                return Sign(ca, "/certificates", ca.Scene.Decide(ca.Scene.Draft(key, entity, ca.Issuers.Rsa).ToApplication(), csr: csr));
            },
            count,
            connections,
            () => RawConnection.OpenAsync(ca.Address, ca.Scene.Ra.Link));
    }

    /// <summary>For pairs of civil servants: a signing key and an entity of its own each.</summary>
    public static Task<PreparedRequests> ForPairsAsync(CaProcess ca, int count, int connections) => CreateAsync(
        _ =>
        {
            using var key = Sm2PrivateKey.Generate();
            return Sign(ca, "/pairs", ca.Scene.Decide(PairScene.Draft(ca.Issuers, key).ToApplication(), csr: CaScene.Csr(key)));
        },
        count,
        connections,
        () => RawConnection.OpenAsync(ca.Address, ca.Scene.Ra.Link));

    /// <summary>Certificates of subscribers that can be revoked.</summary>
    public static async Task<SerialNumber[]> ValidSerialsAsync(CaProcess ca, int count)
    {
        await using Database database = ca.OpenDatabase();
        return
        [
            .. (await database.QueryAsync<string>("SELECT serial FROM certificate WHERE state = 2 AND ra_name IS NOT NULL ORDER BY serial LIMIT @Count", new { Count = count })).Select(SerialNumber.Parse),
        ];
    }

    /// <summary>For revocations of these, in their order.</summary>
    public static Task<PreparedRequests> ForRevocationsAsync(CaProcess ca, IReadOnlyList<SerialNumber> serials, int count, int connections)
    {
        string issuer = Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span);
        return CreateAsync(
            i =>
            {
                SerialNumber serial = i < serials.Count ? serials[i] : throw new InvalidOperationException("All certificates are revoked by now: seed more.");
                byte[] body = Der.Encode(new StatusBody(new CertificateReference(ca.Issuers.Subscribers.KeyIdentifier, serial), RevocationReason.Superseded));
                var application = new Application(DecisionKind.Revoke, CaScene.Name, CaScene.RaName, CaScene.City, CaScene.NewEntity(), body);
                return Sign(ca, $"/certificates/{issuer}/{serial}/revocation", ca.Scene.Decide(application));
            },
            count,
            connections,
            () => RawConnection.OpenAsync(ca.Address, ca.Scene.Ra.Link));
    }

    /// <summary>A request of the RA of the scene, as it goes over the wire.</summary>
    public static byte[] Sign(CaProcess ca, string target, DecidedRequest request) =>
        Sign(ca.Address, ca.Scene.Ra.Signer, CaScene.ServiceName, target, JsonSerializer.SerializeToUtf8Bytes(request, JsonSerializerOptions.Web));

    /// <summary>A signed POST, as it goes over the wire.</summary>
    /// <param name="recipient">How the service names itself.</param>
    /// <param name="body">JSON.</param>
    public static byte[] Sign(Uri address, MessageSigner signer, string recipient, string target, byte[] body)
    {
        var message = new SignedMessage(signer.Sender, recipient, "POST", target, RequestId.Create(TimeProvider.System), DateTimeOffset.UtcNow, Sm3.HashData(body));
        string headers = string.Concat(MessageHeaders.Write(message, signer.SignAsync(message).GetAwaiter().GetResult()).Select(each => $"{each.Key}: {each.Value}\r\n"));
        return
        [
            .. Encoding.ASCII.GetBytes(
                $"POST {target} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{headers}\r\n"),
            .. body,
        ];
    }

    /// <summary>Sends the next one over a free connection. What was not prepared is made now, and costs the load's time.</summary>
    /// <returns>Its number.</returns>
    public async Task<int> SendAsync()
    {
        int i = Interlocked.Increment(ref _next);
        byte[] request = i < _requests.Length ? _requests[i] : _make(i);
        if (!_connections.TryTake(out RawConnection? connection))
        {
            throw new InvalidOperationException("More callers than connections.");
        }

        await connection.CallAsync(request);
        _connections.Add(connection);
        return i;
    }

    public void Dispose()
    {
        foreach (RawConnection connection in _connections)
        {
            connection.Dispose();
        }
    }

    private static (string Entity, SubjectPublicKeyInfo Key, byte[] Csr) NewRsaEntity()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return (CaScene.NewEntity(), Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()), request.CreateSigningRequest());
    }
}
