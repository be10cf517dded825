using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Interop.Ocsp;

/// <summary>A CA with an SM2 and an RSA CA of subscribers and a responder, each a process of its own; a good, a revoked and a held certificate of each CA.</summary>
public sealed class SignedAhead : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal CaProcess Ca { get; private set; } = null!;

    internal OcspNode Node { get; private set; } = null!;

    /// <summary>Serial numbers as openssl takes them, by the kind of the CA, with the status and the reason as openssl writes them.</summary>
    internal ILookup<KeyKind, (string Serial, string Status, string? Reason)> Certificates { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        // Keys in the device, of RSA too; all hashes are signed ahead for.
        Ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Folder = _folder.File("ca"),
            WithRsa = true,
            Settings = new Dictionary<string, string?>
            {
                ["Ca:Ocsp:Look"] = "00:00:00.25", ["Ca:Ocsp:Hashes:0"] = "Sha1", ["Ca:Ocsp:Hashes:1"] = "Sha256", ["Ca:Ocsp:Hashes:2"] = "Sm3",
            },
        });
        Node = await OcspNode.CreateAsync(Ca, _folder.File("ocsp"));
        await Ca.StartAsync();
        await Node.StartAsync();
        var certificates = new List<(KeyKind Kind, string Serial, string Status, string? Reason)>();
        foreach ((KeyKind kind, Issuer issuer) in ((KeyKind, Issuer)[])[(KeyKind.Sm2, Ca.Issuers.Subscribers), (KeyKind.Rsa, Ca.Issuers.Rsa!)])
        {
            certificates.Add((kind, (await IssueAsync(issuer)).Serial, "good", null));
            certificates.Add((kind, await ChangeAsync(await IssueAsync(issuer), DecisionKind.Revoke, RevocationReason.CessationOfOperation), "revoked", "cessationOfOperation (0x5)"));
            certificates.Add((kind, await ChangeAsync(await IssueAsync(issuer), DecisionKind.Suspend, null), "revoked", "certificateHold (0x6)"));
        }

        Certificates = certificates.ToLookup(each => each.Kind, each => ($"0x{each.Serial}", each.Status, each.Reason));
    }

    public async ValueTask DisposeAsync()
    {
        if (Node is not null)
        {
            await Node.DisposeAsync();
        }

        if (Ca is not null)
        {
            await Ca.DisposeAsync();
        }

        _folder.Dispose();
    }

    private Task<CertificateAnswer> IssueAsync(Issuer issuer) => Ca.Scene.Ra.PostAsync<CertificateAnswer>("/certificates", Ca.Scene.NewRequest(issuer: issuer));

    private async Task<string> ChangeAsync(CertificateAnswer certificate, DecisionKind kind, RevocationReason? reason) =>
        (await Ca.Scene.Ra.PostAsync<CertificateAnswer>(StatusCalls.PathOf(certificate, kind), Ca.Scene.Decide(StatusCalls.Application(certificate, kind, reason)))).Serial;
}

/// <summary>What the CA has signed ahead of time, before openssl and curl: they ask the responder.</summary>
public sealed class PresignedAnswerTests(SignedAhead signed) : IClassFixture<SignedAhead>, IDisposable
{
    private readonly OpenSsl _openssl = new();

    [Theory]
    [InlineData(KeyKind.Sm2)]
    [InlineData(KeyKind.Rsa)]
    public async Task OpenSslBelieves_WhatTheCaHasSignedAhead_AndWhatTheNodeSigns(KeyKind kind)
    {
        string name = kind == KeyKind.Sm2 ? "issuing-s1" : "issuing-r1";
        Certificate responder = signed.Ca.Issuers.Responders.Single(each => each.Authority == name).Certificate;
        Certificate node = signed.Node.Certificates[name];
        WriteCa(kind);
        await WaitAsync(kind);
        foreach (string hash in (string[])["-sha1", "-sha256", "-sm3"])
        {
            foreach ((string serial, string status, string? reason) in signed.Certificates[kind])
            {
                _openssl.BelievesTheAnswer(Ask(hash, hasNonce: false, serial), status, reason, responder);
                _openssl.BelievesTheAnswer(Ask(hash, hasNonce: true, serial), status, reason, node);
            }

            _openssl.BelievesTheAnswer(Ask(hash, hasNonce: false, "0x7f020304"), "unknown", null, node);
        }

        ResponderQuestion Ask(string hash, bool hasNonce, string serial) => new(kind, signed.Node.Public, hash, hasNonce, serial);
    }

    [Fact]
    public async Task CurlGetsWhatTheCaHasSignedAhead_AndMayKeepIt()
    {
        Requires.Command("curl");
        WriteCa(KeyKind.Rsa);
        await WaitAsync(KeyKind.Rsa);
        foreach ((string serial, string status, _) in signed.Certificates[KeyKind.Rsa])
        {
            foreach (string hash in (string[])["-sha1", "-sha256"])
            {
                _openssl.Run(["ocsp", "-issuer", "ca.pem", hash, "-serial", serial, "-no_nonce", "-reqout", "request.der"]);
                _openssl.CurlGetsWhatItMayKeep($"{signed.Node.Public}/{Uri.EscapeDataString(Convert.ToBase64String(_openssl.Read("request.der")))}", hash, serial, status);
            }
        }
    }

    public void Dispose() => _openssl.Dispose();

    private void WriteCa(KeyKind kind) => _openssl.WritePem("ca.pem", Pem.Certificate, (kind == KeyKind.Sm2 ? signed.Ca.Issuers.Subscribers : signed.Ca.Issuers.Rsa!).Certificate!);

    /// <summary>The changes are on their way.</summary>
    private async Task WaitAsync(KeyKind kind)
    {
        foreach ((string serial, string status, _) in signed.Certificates[kind])
        {
            for (int i = 0; !_openssl.Try("ocsp", "-url", $"{signed.Node.Public}", "-issuer", "ca.pem", "-serial", serial, "-noverify").Says($"{serial}: {status}"); i++)
            {
                Assert.True(i < 200, $"{serial} is not {status}.\n{signed.Node.Log}");
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }
        }
    }
}
