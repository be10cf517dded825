using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.KeyCentre;

/// <summary>
/// Speaks to the key management centre: GM/T 0014 over mutual TLS, signed both ways. What does not come from it, or is not about what was asked, is no answer. Whatever fails, the caller may
/// ask again; what the KMC may have done by then, the caller has on record (<see cref="KeyTasks"/>). Safe for concurrent use.
/// </summary>
/// <param name="http">Over the CA's link to the KMC.</param>
/// <param name="signed">Likewise, signing each request (<see cref="MessageSigningHandler"/>).</param>
/// <param name="own">This CA's certificate for messages.</param>
/// <param name="others">The KMC's: that of today first, then those by which answers were signed that are not delivered yet.</param>
internal sealed class KeyCentreClient(HttpClient http, HttpClient signed, HsmSigner signer, Certificate own, IReadOnlyList<Certificate> others, TimeProvider time)
{
    /// <summary>No key of this CA has the serial number.</summary>
    public const int NotFound = 3;

    private const int MaxBytes = 1 << 16;
    private const int TaskNoLength = 16;
    private const string ContentType = "application/octet-stream";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly EntName _own = EntName.Of(own);
    private readonly (EntName Name, Sm2PublicKey Key)[] _others = [.. others.Select(each => (EntName.Of(each), Prepare(each)))];

    /// <summary>A new key for an encryption certificate, its private half enveloped to the subscriber's signing key.</summary>
    /// <param name="serial">Of the certificate that it is for.</param>
    /// <param name="region">GB/T 2260.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: the KMC is away, has no keys left, or refuses.</exception>
    public async Task<EscrowedPair> ApplyAsync(SerialNumber serial, SubjectPublicKeyInfo recipient, Validity validity, string region, CancellationToken cancellationToken)
    {
        var user = new AppUserInfo(serial, recipient, validity.NotBefore, validity.NotAfter, dsCode: region);
        var request = new ApplyKeyReq(AlgorithmIdentifier.Sm2Key, 256, new AlgorithmIdentifier(Oids.Sm2Encrypt), new AlgorithmIdentifier(Oids.Sm4Ecb), AlgorithmIdentifier.Sm3, user);
        byte[] message = await SignAsync(request, cancellationToken);
        byte[] reply = await PostAsync(message, cancellationToken);
        return Read(reply, serial, Der.Decode<CaRequest>(message).KsRequest.TaskNo);
    }

    /// <summary>The key goes into history: nobody is given it any more, but by recovery.</summary>
    /// <returns>False: the KMC never bound a key to the serial number.</returns>
    /// <exception cref="RefusalException">As <see cref="ApplyAsync"/>.</exception>
    public async Task<bool> RevokeAsync(SerialNumber serial, CancellationToken cancellationToken)
    {
        byte[] message = await SignAsync(new RevokeKeyReq(serial), cancellationToken);
        return Open(await PostAsync(message, cancellationToken), Der.Decode<CaRequest>(message).KsRequest.TaskNo).RespondList[0] switch
        {
            RevokeKeyRespond done when done.UserCertNo == serial => true,
            ErrorPkgRespond { ErrNo: NotFound } => false,
            Respond respond => throw NotAnswered(respond),
        };
    }

    /// <summary>Asks for a key that the KMC has, for another signing key; to be on record before it is sent.</summary>
    /// <returns>DER of CARequest.</returns>
    public Task<byte[]> SignRestoreAsync(SerialNumber serial, SubjectPublicKeyInfo recipient, CancellationToken cancellationToken) => SignAsync(
        new RestoreKeyReq(new AlgorithmIdentifier(Oids.Sm2Encrypt), new AlgorithmIdentifier(Oids.Sm4Ecb), AlgorithmIdentifier.Sm3, serial, recipient), cancellationToken);

    /// <summary>Sends it with two officers' decision, which KMC and device verify. Sent again it has the same answer.</summary>
    /// <exception cref="RefusalException">
    /// As <see cref="ApplyAsync"/>; <see cref="Refusal.NotApproved"/> and <see cref="Refusal.SecondOfficerRequired"/>: of the decision, for good; <see cref="Refusal.Expired"/>: the message, or what is
    /// sent with it, is too old by now; <see cref="Refusal.NotFound"/>: the KMC has no such key; <see cref="Refusal.WrongState"/>: it refuses, for good.
    /// </exception>
    public async Task<EscrowedPair> RecoverAsync(KeyRecovery recovery, CancellationToken cancellationToken)
    {
        KsRequest asked = Der.Decode<CaRequest>(recovery.Message).KsRequest;
        KeyRecoveryReply reply = await AskAsync(
            async () =>
            {
                using HttpResponseMessage response = await http.PostAsJsonAsync("/recoveries", recovery, cancellationToken);
                await response.ThrowIfRefusedAsync(cancellationToken);
                return await response.Content.ReadFromJsonAsync<KeyRecoveryReply>(cancellationToken) ?? throw new UnexpectedResponseException((int)response.StatusCode, null);
            },
            cancellationToken,
            isRecovery: true);

        // The same message has the same answer for ever: what it refuses, asking again does not get.
        return Open(reply.Reply, asked.TaskNo).RespondList[0] is ErrorPkgRespond error
            ? throw new RefusalException(error.ErrNo == NotFound ? Refusal.NotFound : Refusal.WrongState, $"密钥管理中心未恢复该密钥（错误{error.ErrNo}）：{error.ErrDesc?.Text}")
            : Read(reply.Reply, ((RestoreKeyReq)asked.RequestList[0]).UserCertNo, asked.TaskNo);
    }

    /// <summary>The subscriber has what was answered: the KMC erases it. Told again, it says the same.</summary>
    /// <param name="taskNo">Of the answer.</param>
    /// <exception cref="RefusalException">As <see cref="ApplyAsync"/>.</exception>
    public Task TellReceiptAsync(string taskNo, CancellationToken cancellationToken) => AskAsync(
        async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/receipts") { Content = JsonContent.Create(new KeyReceipt { TaskNo = taskNo }) };
            MessageSigningHandler.SetRequestId(request, RequestId.Create(time));
            using HttpResponseMessage response = await signed.SendAsync(request, cancellationToken);
            await response.ThrowIfRefusedAsync(cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>An answer of the KMC that was stored: its signature, and what it is about.</summary>
    /// <param name="reply">DER of KMRespond.</param>
    /// <param name="taskNo">Null: any.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: it is not the KMC's, or about something else.</exception>
    public EscrowedPair Read(byte[] reply, SerialNumber serial, TaskNumber? taskNo = null)
    {
        KsRespond answer = Open(reply, taskNo);
        RetKeyRespond content = answer.RespondList[0] switch
        {
            ApplyKeyRespond apply => apply.RetKeyRespond,
            RestoreKeyRespond restore => restore.RetKeyRespond,
            Respond respond => throw NotAnswered(respond),
        };
        bool isRight = content.UserCertNo == serial
            && content.RetPubKey.TryGetSm2Key(out _) && content.RetPubKey.PublicKey.Length == Sm2.PublicKeySizeInBytes
            && content.RetPriKey is { RecipientInfos.Count: 1, EncryptedContentInfo.EncryptedContent.Length: Sm2.ScalarSizeInBytes };
        return isRight
            ? new EscrowedPair(reply, answer.TaskNo.ToString(), content)
            : throw Unusable("its answer is about another key, or of another form");
    }

    private static RefusalException NotAnswered(Respond respond) => respond is ErrorPkgRespond error
        ? new RefusalException(Refusal.Unavailable, $"密钥管理中心未办理（错误{error.ErrNo}）：{error.ErrDesc?.Text}", RetryAfter)
        : Unusable($"it answered with {respond.GetType().Name}");

    private static RefusalException Unusable(string why) => new(Refusal.Unavailable, "密钥管理中心的应答无效，请联系管理员。", RetryAfter, new InvalidDataException($"KMC: {why}."));

    private static Sm2PublicKey Prepare(Certificate certificate)
    {
        Sm2PublicKey key = certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? sm2) ? sm2 : throw new ArgumentException("The KMC's certificate is not for an SM2 key.", nameof(certificate));
        key.Prepare();
        return key;
    }

    /// <returns>DER of CARequest.</returns>
    private async Task<byte[]> SignAsync(Request request, CancellationToken cancellationToken)
    {
        byte[] random = RandomNumberGenerator.GetBytes(TaskNoLength);
        random[0] |= 1;
        byte[] bytes = Der.Encode(new KsRequest(_own, [request], Time.Truncate(time.GetUtcNow()), new TaskNumber(new BigInteger(random, isUnsigned: true, isBigEndian: true))));
        return Der.Encode(CaRequest.Assemble(bytes, signer.AlgorithmIdentifier, await signer.SignAsync(bytes, cancellationToken)));
    }

    /// <returns>With one answer.</returns>
    private KsRespond Open(byte[] reply, TaskNumber? taskNo)
    {
        KmRespond respond;
        bool isSigned;
        try
        {
            // What was asked for just now, only the KMC of today answers.
            respond = KmRespond.Decode(reply, MaxBytes, 1);
            isSigned = _others.Take(taskNo is null ? _others.Length : 1)
                .Any(each => respond.KsRespond.KmName == each.Name && each.Key.Verify(respond.KsRespondBytes.Span, respond.DecodeSm2Signature().Raw.Span));
        }
        catch (DerException)
        {
            throw Unusable("its answer is no KMRespond");
        }

        KsRespond content = respond.KsRespond;
        return !isSigned ? throw Unusable("its answer is not signed by it")
            : taskNo is not null && content.TaskNo != taskNo ? throw Unusable("it answered another message")
            : content;
    }

    /// <summary>A connection that broke says nothing of what became of the message: the same bytes get the same answer, so they are sent once more.</summary>
    private Task<byte[]> PostAsync(byte[] message, CancellationToken cancellationToken) => AskAsync(
        async () =>
        {
            try
            {
                return await PostOnceAsync(message, cancellationToken);
            }
            catch (HttpRequestException)
            {
                return await PostOnceAsync(message, cancellationToken);
            }
        },
        cancellationToken);

    private async Task<byte[]> PostOnceAsync(byte[] message, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(message);
        content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        using HttpResponseMessage response = await http.PostAsync("/gmt0014", content, cancellationToken);
        await response.ThrowIfRefusedAsync(cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>What goes wrong between the two passes, or is for the operators of both to look at: the caller asks again.</summary>
    /// <param name="isRecovery">What is too old may be made anew.</param>
    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken, bool isRecovery = false)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (
            e is HttpRequestException or UnexpectedResponseException or IOException or System.Text.Json.JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new RefusalException(Refusal.Unavailable, "密钥管理中心暂时不可用，请稍后重试。", RetryAfter, e);
        }
        catch (RefusalException e) when (
            e.Kind is Refusal.BadSignature or Refusal.LinkNotTrusted or Refusal.NotAllowed or Refusal.Malformed or Refusal.OutOfScope || (e.Kind == Refusal.Expired && !isRecovery))
        {
            throw new RefusalException(Refusal.Unavailable, $"密钥管理中心不受理本CA的请求：{e.Message}", RetryAfter, e);
        }
    }
}
