using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Ca.Registrations;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Ca.Ocsp;

/// <summary>What a look found.</summary>
/// <param name="Told">Of each key the newest certificate that holds and that the feed has told of.</param>
/// <param name="Untold">Newer ones, which sign once the feed has told of them.</param>
/// <param name="Vacant">CAs whose signer has no certificate that holds.</param>
internal sealed record FoundSigners(OcspSigners Told, IReadOnlyList<OcspSigner> Untold, IReadOnlyList<Authority> Vacant);

/// <summary>
/// With which certificates the keys of this node sign: of each key the newest that holds and that the feed knows, whichever node has had it certified. The keys are those of the configuration, and
/// its file is the certificate that a key begins with. Safe for concurrent use: what is in use is exchanged as a whole.
/// </summary>
internal sealed class SignersInUse
{
    private readonly Database _database;
    private readonly ProfileStore _profiles;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<SignerKey> _keys;
    private FoundSigners _found = new(new OcspSigners([]), [], []);

    private SignersInUse(IReadOnlyList<SignerKey> keys, Database database, ProfileStore profiles, TimeProvider time)
    {
        _keys = keys;
        _database = database;
        _profiles = profiles;
        _time = time;
    }

    /// <summary>Whoever makes a batch takes them once.</summary>
    public OcspSigners Current => Volatile.Read(ref _found).Told;

    /// <summary>CAs for which nobody can sign: the certificates of the key were revoked, or have ended.</summary>
    public IReadOnlyList<Authority> Vacant => Volatile.Read(ref _found).Vacant;

    /// <summary>Finds the keys; what the feed knows of them already is in use.</summary>
    /// <exception cref="ArgumentException">A certificate is not a responder's of its CA, or of another key: the message names the CA.</exception>
    /// <exception cref="InvalidOperationException">The device has no such key.</exception>
    public static async Task<SignersInUse> OpenAsync(OcspOptions options, AuthorityList authorities, IHsm hsm, Database database, ProfileStore profiles, TimeProvider time)
    {
        var keys = new List<SignerKey>();
        foreach (Authority authority in authorities.All.Where(OcspSigners.CanBeFor))
        {
            if (options.Signers.FirstOrDefault(each => each.Authority == authority.Name) is not { } delegated)
            {
                keys.Add(new SignerKey(authority, null, null));
                continue;
            }

            Certificate first = Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(delegated.CertificateFile)));
            var key = new HsmSigner(hsm, await FindKeyAsync(hsm, authority, delegated.KeyLabel));
            try
            {
                _ = OcspResponder.Delegated(authority.Certificate, first, key);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"CA {authority.Name}: {e.Message}", e);
            }

            keys.Add(new SignerKey(authority, key, first));
        }

        var signers = new SignersInUse(keys, database, profiles, time);
        signers.Use(await signers.FindAsync(CancellationToken.None));
        return signers;
    }

    /// <summary>Batches that are begun from now on are signed by whom the feed has told of.</summary>
    public void Use(FoundSigners found) => Volatile.Write(ref _found, found);

    /// <summary>Looks what there is now; changes nothing but that what is new has its number, the same for ever.</summary>
    public async Task<FoundSigners> FindAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var told = new List<OcspSigner>();
        var untold = new List<OcspSigner>();
        foreach (SignerKey key in _keys)
        {
            (IReadOnlyList<Certificate?> certificates, Dictionary<string, NumberRow> known) = await _database.ReadAsync(
                async transaction => (await ListAsync(transaction, key, now), await ListNumbersAsync(transaction, key.Authority)), cancellationToken);
            for (int i = 0; i < certificates.Count; i++)
            {
                // What is neither the newest nor told was passed over before anybody signed with it, and gets no number.
                NumberRow? number = known.GetValueOrDefault(Convert.ToHexString(HashOf(certificates[i])));
                if (number?.ToldIn is null && i > 0)
                {
                    continue;
                }

                short id = number?.SignerId ?? await NumberAsync(key.Authority, certificates[i], now, cancellationToken);
                OcspResponder responder;
                try
                {
                    responder = certificates[i] is { } certificate ? OcspResponder.Delegated(key.Authority.Certificate, certificate, key.Key!) : OcspResponder.Of(key.Authority.Issuer);
                }
                catch (Exception e) when (e is ArgumentException or DerException)
                {
                    // The older one signs on, or the CA has none, which readiness tells of; the other CAs have theirs.
                    continue;
                }

                (number?.ToldIn is null ? untold : told).Add(new OcspSigner(id, key.Authority, certificates[i], responder));
                if (number?.ToldIn is not null)
                {
                    break;
                }
            }
        }

        Authority[] vacant = [.. _keys.Select(each => each.Authority).Where(authority => !told.Concat(untold).Any(signer => signer.Authority == authority))];
        return new FoundSigners(new OcspSigners(told), untold, vacant);
    }

    /// <returns>Certificates of the key that hold, newest first; of a CA's own key null, which is none.</returns>
    private async Task<IReadOnlyList<Certificate?>> ListAsync(Transaction transaction, SignerKey key, DateTimeOffset now)
    {
        if (key.First is null)
        {
            return [null];
        }

        SubjectPublicKeyInfo publicKey = key.Key!.SubjectPublicKeyInfo;
        List<Certificate> all =
            [.. (await ResponderCertificates.ListAsync(transaction, _profiles, key.Authority, publicKey, SystemProfile.OcspResponder, now)).Select(each => each.Certificate)];

        // What the database has, it judges: a file whose certificate is revoked is no certificate. Only one that was never imported speaks for itself.
        if (!await ResponderCertificates.IsKnownAsync(transaction, key.Authority, key.First) && !await ResponderCertificates.IsCompromisedAsync(transaction, publicKey))
        {
            all.Add(key.First);
        }

        // As long as it has begun, by this clock; what begins in the same second, in the order of the database.
        return [.. all.Where(each => each.Tbs.Validity.NotBefore.Value <= now && now < each.Tbs.Validity.NotAfter.Value).OrderByDescending(each => each.Tbs.Validity.NotBefore.Value)];
    }

    private static async Task<HsmKey> FindKeyAsync(IHsm hsm, Authority authority, string label) =>
        await hsm.FindKeyAsync(new KeyLabel(label)) ?? throw new InvalidOperationException($"OCSP of CA {authority.Name}: the token {hsm.Token.Label} has no key {label}.");

    private static byte[] HashOf(Certificate? certificate) => certificate is null ? new byte[Sm3.HashSizeInBytes] : Sm3.HashData(Der.Encode(certificate));

    private static async Task<Dictionary<string, NumberRow>> ListNumbersAsync(Transaction transaction, Authority authority) =>
        (await transaction.QueryAsync<NumberRow>("SELECT signer_id, certificate_hash, told_in FROM ocsp_signer WHERE authority_id = @Id", authority)).ToDictionary(row => Convert.ToHexString(row.CertificateHash));

    private async Task<short> NumberAsync(Authority authority, Certificate? certificate, DateTimeOffset now, CancellationToken cancellationToken)
    {
        byte[]? bytes = certificate is null ? null : Der.Encode(certificate);
        byte[] hash = HashOf(certificate);
        while (true)
        {
            short? number = await _database.WriteAsync<short?>(
                async transaction =>
                {
                    short last = await transaction.GetAsync<short>("SELECT COALESCE(MAX(signer_id), 0) FROM ocsp_signer");
                    var row = new { Id = (short)(last + 1), Authority = authority.Id, Certificate = bytes, Hash = hash, Now = now };
                    short? known = await transaction.FindAsync<short?>("SELECT signer_id FROM ocsp_signer WHERE authority_id = @Authority AND certificate_hash = @Hash", row);
                    return known ?? (await transaction.TryInsertAsync(
                        "INSERT INTO ocsp_signer (signer_id, authority_id, certificate, certificate_hash, added_at) VALUES (@Id, @Authority, @Certificate, @Hash, @Now)", row) ? row.Id : null);
                },
                cancellationToken);
            if (number is { } id)
            {
                return id;
            }

            // Another node has numbered it, or has taken the number for another one.
        }
    }

    /// <summary>A key that is to sign for a CA.</summary>
    /// <param name="Key">Null: the CA's own.</param>
    /// <param name="First">Of the configuration; null with the key.</param>
    private sealed record SignerKey(Authority Authority, HsmSigner? Key, Certificate? First);

    private sealed record NumberRow
    {
        public required short SignerId { get; init; }

        public required byte[] CertificateHash { get; init; }

        public long? ToldIn { get; init; }
    }
}
