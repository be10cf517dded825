using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Benchmarks;

/// <summary>
/// A CA that has issued a lot: every row of every table that issuing fills, genuine to the last signature, but written in bulk. It takes minutes to make, so it is kept in a folder outside
/// the repository (ZWCA_BENCH_CACHE, or the user's cache), with the device's store, whose keys belong to it; benchmarks go on from where the last one stopped.
/// </summary>
internal sealed class SeededCa
{
    public const string CacheVariable = "ZWCA_BENCH_CACHE";

    private const int Batch = 2048;
    private const int PerCall = 256;

    /// <summary>Links are valid for 90 days.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(60);

    private static readonly string[] CertificateColumns =
    [
        "certificate_id", "authority_id", "serial", "state", "state_version", "owner", "region", "ra_name", "profile_hash", "shard", "tbs", "signature", "subject_hash", "key_hash",
        "not_before", "not_after", "reserved_at", "changed_at",
    ];

    private static readonly string[] DecisionColumns =
    [
        "requester", "reference", "kind", "request_id", "certificate_id", "application_digest", "application", "entry_hash", "entry_person", "review_hash", "review_person", "decided_at",
    ];

    private static readonly string[] ApprovalColumns = ["approval_hash", "person_id", "approval", "recorded_at"];

    private static readonly string[] MessageColumns =
    [
        "sender_serial", "request_id", "request_hash", "message", "signature", "first_seen_at", "run_id", "claimed_until", "state", "answered_at", "row_reference",
    ];

    private static readonly string[] RevocationColumns = ["authority_id", "shard", "serial", "reason", "revoked_at", "not_after"];

    private readonly CaScene _scene;
    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly Sequencer _sequencer;
    private readonly Authority _authority;
    private readonly Profile _profile = ProfileCatalogue.Shipped["tls-server"];

    private SeededCa(CaScene scene, IServiceProvider services)
    {
        _scene = scene;
        _database = services.GetRequiredService<Database>();
        _log = services.GetRequiredService<AuditLog>();
        _sequencer = services.GetRequiredService<Sequencer>();
        _authority = services.GetRequiredService<AuthorityList>().Find(scene.Issuers.Subscribers.KeyIdentifier.Span)!;
    }

    /// <summary>A CA of the cache, not started; made now if it is not there.</summary>
    /// <param name="rows">Certificates.</param>
    /// <param name="revoked">Of them.</param>
    /// <param name="kmc">Made anew for it; knows nothing of what was issued before. Null: none.</param>
    public static async Task<CaProcess> OpenAsync(int rows, int revoked, KmcProcess? kmc = null)
    {
        string cache = Environment.GetEnvironmentVariable(CacheVariable)
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "zwca-bench");
        string folder = Path.Combine(cache, string.Create(CultureInfo.InvariantCulture, $"seeded-{rows}-{revoked}"));
        var state = new FileInfo(Path.Combine(folder, CaScene.StateFile));
        if (!state.Exists || DateTime.UtcNow - state.LastWriteTimeUtc > KeptFor)
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        CaProcessSetup setup = Setup(rows, revoked) with { Folder = folder };
        return await CaProcess.CreateAsync(kmc is null ? setup : setup with
        {
            Prepare = (hsm, issuers, caFolder) =>
            {
                KmcProcess.Forget(caFolder);
                return kmc.PrepareAsync(hsm, issuers, caFolder);
            },
        });
    }

    /// <summary>One that is not kept.</summary>
    /// <param name="settings">Besides, or instead of, the plain ones.</param>
    public static Task<CaProcess> CreateAsync(int rows, IReadOnlyDictionary<string, string?>? settings = null) =>
        CaProcess.CreateAsync(settings is null ? Setup(rows, 0) : Setup(rows, 0) with { Settings = settings });

    private static CaProcessSetup Setup(int rows, int revoked) => new() { RaProfiles = PairScene.Profiles, Fill = (scene, services) => new SeededCa(scene, services).FillAsync(rows, revoked) };

    private async Task FillAsync(int rows, int revoked)
    {
        await _scene.RawAsync("UPDATE registration_authority SET quota = @Quota", new { Quota = long.MaxValue });
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < rows; done += Batch)
        {
            int count = Math.Min(Batch, rows - done);

            // Every other one, so that they lie among the others.
            Issued[] batch = await IssueAsync(count, i => (long)(done + i + 1) * revoked / rows > (long)(done + i) * revoked / rows);
            await _database.WriteAsync(transaction => InsertAsync(transaction, batch));
            await SequenceAsync();
            if (done / Batch % 32 == 31)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed     {done + count:N0} of {rows:N0} after {clock.Elapsed.TotalSeconds:N0} s"));
            }
        }

        if (rows > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed     {rows:N0} certificates, {revoked:N0} of them revoked, in {clock.Elapsed.TotalSeconds:N0} s"));
        }
    }

    private async Task<Issued[]> IssueAsync(int count, Func<int, bool> isRevoked)
    {
        var made = new Issued[count];
        Parallel.For(0, count, i => made[i] = Make(isRevoked(i)));
        foreach (Issued[] call in made.Chunk(PerCall))
        {
            IReadOnlyList<Certificate> certificates = await _authority.Issuer.IssueManyAsync([.. call.Select(each => each.Prepared)]);
            for (int i = 0; i < call.Length; i++)
            {
                call[i].Certificate = certificates[i];
            }
        }

        return made;
    }

    private Issued Make(bool isRevoked)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var key = Sm2PrivateKey.Generate();
        string entity = CaScene.NewEntity();
        Application application = _scene.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), entity).ToApplication();
        CertificateBody body = Der.Decode<CertificateBody>(application.Body);
        DateTimeOffset notBefore = Time.Truncate(now).Value;
        PreparedCertificate prepared = _authority.Issuer.Prepare(new IssuanceRequest
        {
            Profile = _profile,
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = body.SubjectPublicKeyInfo,
            Subject = [.. body.Subject.Select(each => new SubjectText(each.Type, each.Text))],
            Place = [new SubjectText(Oids.StateOrProvinceName, "福建省"), new SubjectText(Oids.LocalityName, "福州市")],
            NotBefore = notBefore,
            NotAfter = notBefore.AddDays(body.Days).AddSeconds(-1),
            IntendedAt = now,
            AlternativeNames = body.Names,
        });
        RequestId id = RequestId.Create(TimeProvider.System);
        var message = new SignedMessage(_scene.Ra.Signer.Sender, CaScene.ServiceName, "POST", "/certificates", id, now, Sm3.HashData(application.Body.Span));
        return new Issued
        {
            Id = Ulid.Create(now),
            At = now,
            IsRevoked = isRevoked,
            Prepared = prepared,
            Application = application,
            Entry = Der.Encode(_scene.Sign(_scene.Entry, ApprovalStep.Entry, application, now)),
            Review = Der.Encode(_scene.Sign(_scene.Review, ApprovalStep.Review, application, now)),
            Owner = $"{CaScene.RaName}/{entity}",
            SubjectHash = prepared.Tbs.Subject.HashCanonical(),
            KeyHash = Sm3.HashData(Der.Encode(prepared.Tbs.SubjectPublicKeyInfo)),
            Shard = UrlTemplate.ShardName(prepared.SerialNumber, _profile.Options.CrlShards),
            Message = message,
            MessageSignature = _scene.Ra.Signer.SignAsync(message).GetAwaiter().GetResult(),
        };
    }

    private async Task InsertAsync(Transaction transaction, Issued[] batch)
    {
        byte[] entryPerson = _scene.Entry.Identity.Person.ToArray();
        byte[] reviewPerson = _scene.Review.Identity.Person.ToArray();
        await transaction.BulkInsertAsync("certificate", CertificateColumns, [.. batch.Select(each => (object?[])
        [
            each.Id, _authority.Id, each.Serial, each.IsRevoked ? CertificateState.Revoked : CertificateState.Valid, each.IsRevoked ? 4L : 3L, each.Owner, CaScene.City, CaScene.RaName,
            _profile.Hash.ToArray(), each.Shard, each.Prepared.TbsBytes.ToArray(), each.Certificate.Signature.ToArray(), each.SubjectHash, each.KeyHash,
            each.Prepared.Tbs.Validity.NotBefore.Value, each.Prepared.Tbs.Validity.NotAfter.Value, each.At, each.At,
        ])]);
        await transaction.BulkInsertAsync("approval", ApprovalColumns, [.. batch.SelectMany(each => (object?[][])
        [
            [each.EntryHash, entryPerson, each.Entry, each.At], [each.ReviewHash, reviewPerson, each.Review, each.At],
        ])]);
        await transaction.BulkInsertAsync("decision", DecisionColumns, [.. batch.Select(each => (object?[])
        [
            CaScene.RaName, each.Application.EnrollmentId, DecisionKind.Issue, each.Message.Id.ToString(), each.Id, each.Application.Digest, Der.Encode(each.Application),
            each.EntryHash, entryPerson, each.ReviewHash, reviewPerson, each.At,
        ])]);
        await transaction.BulkInsertAsync("subject_owner", ["subject_hash", "owner"], [.. batch.Select(each => (object?[])[each.SubjectHash, each.Owner])]);
        await transaction.BulkInsertAsync("key_owner", ["key_hash", "owner"], [.. batch.Select(each => (object?[])[each.KeyHash, each.Owner])]);
        await transaction.BulkInsertAsync("message_answer", MessageColumns, [.. batch.Select(each => (object?[])
        [
            each.Message.Sender.ToString(), each.Message.Id.ToString(), each.Message.RequestHash.ToArray(), each.Message.Bytes.ToArray(), each.MessageSignature, each.At,
            each.Id, each.At, (short)2, each.At, Convert.ToHexStringLower(each.Id),
        ])]);
        Issued[] revoked = [.. batch.Where(each => each.IsRevoked)];
        await transaction.BulkInsertAsync("revocation", RevocationColumns, [.. revoked.Select(each => (object?[])
        [
            _authority.Id, each.Shard, each.Serial, RevocationReason.Superseded, each.At, each.Prepared.Tbs.Validity.NotAfter.Value,
        ])]);
        await transaction.ExecuteAsync("UPDATE registration_authority SET issued = issued + @Count WHERE ra_name = @Name", new { Count = batch.Length, Name = CaScene.RaName });
        var ra = new AuditActor(AuditActorKind.Service, CaScene.RaName);
        foreach (Issued each in batch)
        {
            AuditObject about = CertificateRow.ObjectOf(_authority, each.Serial);
            await _log.AppendAsync(transaction, new AuditEvent(ra, IssueCertificate.IntendAction, about, AuditOutcome.Intended)
            {
                Fields =
                [
                    new AuditField.Octets("application", each.Application.Digest),
                    new AuditField.Octets("tbs", Sm3.HashData(each.Prepared.TbsBytes.Span)),
                    new AuditField.Text("profile", _profile.Name),
                    new AuditField.Octets("profileHash", _profile.Hash),
                    new AuditField.Text("region", CaScene.City),
                    new AuditField.Octets("key", each.KeyHash),
                    new AuditField.Octets("entry", each.EntryHash),
                    new AuditField.Octets("review", each.ReviewHash),
                ],
            });
            await _log.AppendAsync(transaction, new AuditEvent(ra, FinishIssuance.IssueAction, about, AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("certificate", Sm3.HashData(Der.Encode(each.Certificate)))],
            });
            if (each.IsRevoked)
            {
                await _log.AppendAsync(transaction, new AuditEvent(ra, "certificate.revoke", about, AuditOutcome.Done) { Fields = [new AuditField.Text("reason", "superseded")] });
            }
        }
    }

    private async Task SequenceAsync()
    {
        while (await _database.FindAsync<long>("SELECT COUNT(*) FROM log_pending") > 0)
        {
            await _sequencer.RunOnceAsync();
        }
    }

    private sealed class Issued
    {
        public required byte[] Id { get; init; }

        public required DateTimeOffset At { get; init; }

        public required bool IsRevoked { get; init; }

        public required PreparedCertificate Prepared { get; init; }

        public Certificate Certificate { get; set; } = null!;

        public string Serial => Prepared.SerialNumber.ToString();

        public required string Shard { get; init; }

        public required Application Application { get; init; }

        public required byte[] Entry { get; init; }

        public byte[] EntryHash => field ??= Sm3.HashData(Entry);

        public required byte[] Review { get; init; }

        public byte[] ReviewHash => field ??= Sm3.HashData(Review);

        public required string Owner { get; init; }

        public required byte[] SubjectHash { get; init; }

        public required byte[] KeyHash { get; init; }

        public required SignedMessage Message { get; init; }

        public required byte[] MessageSignature { get; init; }
    }
}
