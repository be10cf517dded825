using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Tests.Ca.Certificates;

public sealed class SubjectHashTests
{
    [Fact]
    public async Task ADatabaseOfTheEarlierHash_IsNotStartedOn()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        await SubjectHashes.CheckAsync(stage.Database, TestContext.Current.CancellationToken);

        // Any other hash is for the re-audit.
        await SetAsync(new byte[32]);
        await SubjectHashes.CheckAsync(stage.Database, TestContext.Current.CancellationToken);

        await SetAsync(Sm3.HashData(Der.Encode(Der.Decode<Certificate>(certificate.Certificate).Tbs.Subject)));
        StartCheckException refused = await Assert.ThrowsAsync<StartCheckException>(() => SubjectHashes.CheckAsync(stage.Database, TestContext.Current.CancellationToken));
        Assert.Contains("earlier version", refused.Message, StringComparison.Ordinal);

        Task SetAsync(byte[] hash) => stage.RawAsync("UPDATE certificate SET subject_hash = @Hash WHERE serial = @Serial", new { Hash = hash, certificate.Serial });
    }
}
