using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Ca.Authorities;

/// <summary>A CA of this service: its number in the database, its name in the configuration, its key in the device.</summary>
/// <param name="Above">The CAs above it, from its issuer on, as far as the configuration has them.</param>
internal sealed record Authority(short Id, string Name, Issuer Issuer, bool ForSubscribers, IReadOnlyList<Certificate> Above)
{
    public Certificate Certificate => Issuer.Certificate!;

    /// <summary>SubjectKeyIdentifier, lower-case hexadecimal: what URLs and the log name it by.</summary>
    public string KeyIdentifier { get; } = Convert.ToHexStringLower(Issuer.KeyIdentifier.Span);
}

/// <summary>All CAs of this service. Unchangeable; safe for concurrent use.</summary>
internal sealed class AuthorityList
{
    private readonly IReadOnlyList<Authority> _all;

    private AuthorityList(IReadOnlyList<Authority> all, string operations, string system)
    {
        _all = all;
        Operations = this[operations];
        System = this[system];
    }

    public IReadOnlyList<Authority> All => _all;

    /// <summary>Certifies officers, RA systems and service signers.</summary>
    public Authority Operations { get; }

    /// <summary>Certifies links.</summary>
    public Authority System { get; }

    public Authority this[string name] => _all.Single(each => each.Name == name);

    public Authority this[short id] => _all.SingleOrDefault(each => each.Id == id)
        ?? throw new InvalidOperationException($"The database has certificates of CA number {id}, which the configuration lacks.");

    /// <summary>Finds the keys in the device and gives each CA its number in the database, the same for ever.</summary>
    /// <exception cref="HsmException">The device is away, or has no such key.</exception>
    /// <exception cref="ArgumentException">A certificate is for another key, or does not fit the publication: the message names the CA.</exception>
    /// <exception cref="InvalidOperationException">The database knows the name with another certificate.</exception>
    public static async Task<AuthorityList> OpenAsync(CaOptions options, IHsm hsm, Database database, TimeProvider time, CancellationToken cancellationToken = default)
    {
        var publication = new Publication(options.BaseUrl, options.PolicyArc);
        var all = new List<Authority>();
        foreach (AuthorityOptions each in options.Authorities)
        {
            HsmKey key = await hsm.FindKeyAsync(new KeyLabel(each.KeyLabel), cancellationToken)
                ?? throw new InvalidOperationException($"CA {each.Name}: the token {hsm.Token.Label} has no key {each.KeyLabel}.");
            Certificate certificate = Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(each.CertificateFile, cancellationToken)));
            Issuer issuer;
            try
            {
                issuer = new Issuer(certificate, new HsmSigner(hsm, key), publication);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"CA {each.Name}: {e.Message}", e);
            }

            short id = await NumberAsync(database, each.Name, issuer, certificate, time.GetUtcNow(), cancellationToken);
            all.Add(new Authority(id, each.Name, issuer, each.ForSubscribers, await ReadAboveAsync(each, certificate, cancellationToken)));
        }

        return new AuthorityList(all, options.OperationsAuthority, options.SystemAuthority);
    }

    /// <param name="keyIdentifier">The SubjectKeyIdentifier.</param>
    /// <returns>Null: none of this service.</returns>
    public Authority? Find(ReadOnlySpan<byte> keyIdentifier)
    {
        foreach (Authority each in _all)
        {
            if (each.Issuer.KeyIdentifier.Span.SequenceEqual(keyIdentifier))
            {
                return each;
            }
        }

        return null;
    }

    /// <param name="keyIdentifier">Lower-case hexadecimal, as in URLs.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public Authority Get(string keyIdentifier) =>
        _all.FirstOrDefault(each => each.KeyIdentifier == keyIdentifier) ?? throw new RefusalException(Refusal.NotFound, "本服务没有该签发CA。");

    /// <exception cref="ArgumentException">One has not signed the one before it.</exception>
    private static async Task<IReadOnlyList<Certificate>> ReadAboveAsync(AuthorityOptions options, Certificate certificate, CancellationToken cancellationToken)
    {
        var above = new List<Certificate>();
        foreach (string file in options.AboveFiles)
        {
            Certificate issuer = Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(file, cancellationToken)));
            Certificate last = above.LastOrDefault(certificate);
            bool isIssuer = issuer.Tbs.Subject == last.Tbs.Issuer
                && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, last.SignatureAlgorithm, last.TbsBytes, last.Signature);
            above.Add(isIssuer ? issuer : throw new ArgumentException($"CA {options.Name}: {file} is not the issuer of the certificate before it."));
        }

        return above;
    }

    private static Task<short> NumberAsync(Database database, string name, Issuer issuer, Certificate certificate, DateTimeOffset now, CancellationToken cancellationToken)
    {
        string keyIdentifier = Convert.ToHexStringLower(issuer.KeyIdentifier.Span);
        byte[] bytes = Der.Encode(certificate);
        return database.WriteAsync(
            async transaction =>
            {
                short last = await transaction.GetAsync<short>("SELECT COALESCE(MAX(authority_id), 0) FROM authority");
                await transaction.TryInsertAsync(
                    "INSERT INTO authority (authority_id, name, key_identifier, certificate, added_at) VALUES (@Id, @Name, @KeyIdentifier, @Certificate, @Now)",
                    new { Id = (short)(last + 1), Name = name, KeyIdentifier = keyIdentifier, Certificate = bytes, Now = now });
                return await transaction.FindAsync<short?>(
                    "SELECT authority_id FROM authority WHERE name = @Name AND key_identifier = @KeyIdentifier", new { Name = name, KeyIdentifier = keyIdentifier })
                    ?? throw new InvalidOperationException($"CA {name}: the database knows the name or the key with another partner. A name is for one key, for ever.");
            },
            cancellationToken);
    }
}
