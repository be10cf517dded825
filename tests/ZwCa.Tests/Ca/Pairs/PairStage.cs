using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>A CA in this process and a KMC in another, with a real device; and subscribers.</summary>
internal sealed class PairStage : IAsyncDisposable
{
    private readonly List<Sm2PrivateKey> _keys = [];

    private PairStage(CaStage ca, KmcProcess kmc)
    {
        Ca = ca;
        Kmc = kmc;
    }

    public CaStage Ca { get; }

    public KmcProcess Kmc { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<PairStage> StartAsync(CaSetup? setup = null, IReadOnlyDictionary<string, string?>? kmcSettings = null)
    {
        setup ??= new CaSetup();
        var kmc = new KmcProcess(kmcSettings);
        CaStage? ca = null;
        try
        {
            var settings = new Dictionary<string, string?> { ["Ca:KeyCentre:Look"] = "00:00:00.2", ["Ca:KeyCentre:UnknownAfter"] = "00:00:01", ["Ca:RecoverAfter"] = "00:00:02" };
            foreach ((string name, string? value) in setup.Settings)
            {
                settings[name] = value;
            }

            ca = await CaStage.StartAsync(setup with { RaProfiles = setup.RaProfiles == CaScene.PlainProfiles ? PairScene.Profiles : setup.RaProfiles, Prepare = kmc.PrepareAsync, Settings = settings });
            await kmc.AdmitAsync();
            await kmc.StartAsync();
            return new PairStage(ca, kmc);
        }
        catch
        {
            await kmc.DisposeAsync();
            if (ca is not null)
            {
                await ca.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>A signing key of a new token.</summary>
    public Sm2PrivateKey NewKey()
    {
        var key = Sm2PrivateKey.Generate();
        _keys.Add(key);
        return key;
    }

    /// <summary>What an RA sends for a pair; may be sent again.</summary>
    public Asked Ask(Sm2PrivateKey key, Func<IssueDraft, IssueDraft>? change = null, string? entity = null)
    {
        IssueDraft draft = PairScene.Draft(Ca.Scene.Issuers, key, entity);
        return new Asked(this, "/pairs", Ca.Decide((change?.Invoke(draft) ?? draft).ToApplication(), csr: CaStage.Csr(key)));
    }

    public async Task<(PairAnswer Pair, Sm2PrivateKey Key)> IssueAsync(string? entity = null)
    {
        Sm2PrivateKey key = NewKey();
        return (await Ask(key, entity: entity).AnsweredAsync(), key);
    }

    /// <summary>Renews or re-keys.</summary>
    public Asked Follow(PairAnswer old, DecisionKind kind, Sm2PrivateKey key, string entity) => Ask(
        key, draft => draft with { Kind = kind, Body = draft.Body with { Replaces = PairScene.Reference(old.Signing) } }, entity);

    public Task<PairAnswer> ShowAsync(PairAnswer pair, string forms = "") => Ca.Ra.GetAsync<PairAnswer>($"/pairs/{pair.Id}{forms}");

    public Task<CertificateAnswer> ChangeAsync(CertificateAnswer certificate, DecisionKind kind, RevocationReason reason) => Ca.Ra.PostAsync<CertificateAnswer>(
        $"/certificates/{certificate.Issuer}/{certificate.Serial}/{(kind == DecisionKind.Revoke ? "revocation" : kind == DecisionKind.Suspend ? "suspension" : "resumption")}",
        Ca.Decide(PairScene.Apply(kind, Der.Encode(new StatusBody(PairScene.Reference(certificate), reason)))));

    /// <summary>All certificates for subscribers' halves, oldest first.</summary>
    public Task<IReadOnlyList<CertificateRow>> RowsAsync() => Ca.Database.QueryAsync<CertificateRow>(
        $"SELECT {CertificateRow.Columns} FROM certificate WHERE ra_name = @Name ORDER BY certificate_id", new { Ca.Ra.Name }, Token);

    /// <summary>In which of the KMC's stores the key of a serial number is; 0: none has it.</summary>
    public async Task<short> KeyStateAsync(string serial)
    {
        await using Database database = Kmc.OpenDatabase();
        return await database.FindAsync<short?>(
            "SELECT k.state FROM escrowed_key k JOIN key_binding b ON b.key_id = k.key_id WHERE b.serial = @Serial", new { Serial = serial }, Token) ?? 0;
    }

    /// <summary>A message of GM/T 0014 in the CA's name.</summary>
    /// <param name="sign">Gives DER of SM2Signature. Null: the CA's own key, so that it is one.</param>
    /// <returns>DER of CARequest.</returns>
    public async Task<byte[]> SignAsync(Request request, Func<byte[], Task<byte[]>>? sign = null)
    {
        sign ??= async bytes => await new HsmSigner(Ca.Hsm, (await Ca.Hsm.FindKeyAsync(new KeyLabel(KmcProcess.CaMessageKey), Token))!).SignAsync(bytes, Token);
        var taskNo = new TaskNumber(new BigInteger(RandomNumberGenerator.GetBytes(16), isUnsigned: true) + 1);
        byte[] bytes = Der.Encode(new KsRequest(EntName.Of(Kmc.CaCertificate), [request], Time.Truncate(TimeProvider.System.GetUtcNow()), taskNo));
        return Der.Encode(CaRequest.Assemble(bytes, AlgorithmIdentifier.Sm3WithSm2, await sign(bytes)));
    }

    public static async Task UntilAsync(Func<Task<bool>> reached)
    {
        for (int i = 0; i < 300; i++)
        {
            if (await reached())
            {
                return;
            }

            await Task.Delay(100, Token);
        }

        Assert.Fail("It was not reached within half a minute.");
    }

    public async ValueTask DisposeAsync()
    {
        _keys.ForEach(key => key.Dispose());
        await Kmc.DisposeAsync();
        await Ca.DisposeAsync();
    }

    /// <summary>A request that may be sent again.</summary>
    internal sealed class Asked(PairStage stage, string path, DecidedRequest request)
    {
        private readonly RequestId _id = RequestId.Create(TimeProvider.System);

        public Task<PairAnswer> AnsweredAsync() => stage.Ca.Ra.PostAsync<PairAnswer>(path, request, _id);

        public async Task<Refusal> RefusedAsync()
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(AnsweredAsync);
            Assert.Contains(refused.Message, c => c >= 0x4E00);
            return refused.Kind;
        }
    }
}
