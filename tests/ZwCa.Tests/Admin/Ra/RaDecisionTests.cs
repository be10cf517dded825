using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Ra;

/// <summary>What an officer signs at the terminal is what he was shown, whatever the RA says beside it.</summary>
public sealed class RaDecisionTests : IDisposable
{
    private readonly RaTerminal _terminal = new();

    public void Dispose() => _terminal.Dispose();

    [Fact]
    public async Task AnApplication_IsShownFromItsBytes_SignedAndSubmitted()
    {
        string[] arguments = [.. Submit(), "--evidence", $"身份证={_terminal.Token.Write("id.pdf", "%PDF-1.4 %%EOF"u8.ToArray())}", "--yes"];

        (int exitCode, string output, string error) = await _terminal.RunAsync(arguments);

        Assert.True(exitCode == 0, error);
        Assert.Contains("签发证书", output);
        Assert.Contains("张三丰", output);
        Assert.Contains("email:zhang@example.gov.cn", output);
        Assert.Contains("H-0815", output);
        Assert.DoesNotContain("李*", output);
        Assert.Contains("待审核", output);
        Assert.Equal(
            ["POST /enrollments", $"POST /enrollments/{ScriptedRa.Id}/evidence?title=%E8%BA%AB%E4%BB%BD%E8%AF%81", $"POST /enrollments/{ScriptedRa.Id}/submission"],
            _terminal.Ra.Changes.Select(each => $"{each.Method} {each.Path}"));
        Assert.Equal(_terminal.Ra.Asked.Count, _terminal.Ra.Asked.Select(each => each.RequestId).Distinct().Count());
        EnrollmentRequest request = _terminal.Ra.Changes.First().Read<EnrollmentRequest>();
        Assert.Equal(("new", ScriptedRa.Subscriber, "处室"), (request.Kind, request.Subscriber, request.Departments.Single()));

        SubmissionRequest submission = _terminal.Ra.Changes.Last().Read<SubmissionRequest>();
        Approval approval = Der.Decode<Approval>(submission.Approval);
        Assert.True(approval.IsSignedByCertificate());
        Assert.Equal((3, ApprovalStep.Entry, 1), (submission.Version, approval.Tbs.Step, approval.Tbs.Digests.Count));
    }

    [Fact]
    public async Task AReview_IsShown_AndSignedAfterAYes()
    {
        _terminal.Token.Typed.Enqueue("yes");

        (int exitCode, string output, string error) = await _terminal.RunAsync("review", ScriptedRa.Id, "--approve");

        Assert.True(exitCode == 0, error);
        Assert.Contains("张三丰", output);
        ReviewRequest review = _terminal.Ra.Changes.Single().Read<ReviewRequest>();
        Assert.Equal(("approved", ApprovalStep.Review), (review.Outcome, Der.Decode<Approval>(review.Approval).Tbs.Step));
    }

    [Fact]
    public async Task WithoutAYes_NothingIsSigned()
    {
        _terminal.Token.Typed.Enqueue("no");

        (int exitCode, string output, string error) = await _terminal.RunAsync("review", ScriptedRa.Id, "--approve");

        Assert.Equal(1, exitCode);
        Assert.Contains("张三丰", output);
        Assert.Contains("没有签名", error);
        Assert.Empty(_terminal.Ra.Changes);
    }

    [Fact]
    public async Task WhatFollows_IsShownToo_AndUnderTheSameApproval()
    {
        _terminal.Ra.Kind = "replace";
        _terminal.Ra.Certificate = Lost;
        _terminal.Ra.Following = Revocation();

        (int exitCode, string output, string error) = await _terminal.RunAsync("review", ScriptedRa.Id, "--approve", "--yes");

        Assert.True(exitCode == 0, error);
        Assert.Contains("随后办理", output);
        Assert.Contains("密钥泄露或令牌遗失", output);
        Approval approval = Der.Decode<Approval>(_terminal.Ra.Changes.Single().Read<ReviewRequest>().Approval);
        Assert.Equal(2, approval.Tbs.Digests.Count);
        Assert.Equal(_terminal.Ra.Following.Digest, approval.Tbs.Digests[1].ToArray());
    }

    /// <summary>A broken RA: another enrollment, another kind, another key, other evidence, another subscriber, something that follows from nothing.</summary>
    [Theory]
    [InlineData("enrollment")]
    [InlineData("kind")]
    [InlineData("region")]
    [InlineData("key")]
    [InlineData("evidence")]
    [InlineData("subscriber")]
    [InlineData("department")]
    [InlineData("days")]
    [InlineData("replaced")]
    [InlineData("round")]
    [InlineData("following")]
    [InlineData("body")]
    public async Task AnotherApplicationThanAskedFor_IsNotSigned(string lie)
    {
        ScriptedRa ra = _terminal.Ra;
        switch (lie)
        {
            case "enrollment":
                ra.Bend = honest => ScriptedRa.Application(honest.Kind, honest.Body.ToArray(), id: "0198c0ffee0123456789abcdef999999");
                break;
            case "kind":
                ra.Bend = _ => Revocation();
                break;
            case "region":
                ra.Bend = honest => ScriptedRa.Application(honest.Kind, honest.Body.ToArray(), region: "350200");
                break;
            case "key":
                using (var other = Sm2PrivateKey.Generate())
                {
                    var key = SubjectPublicKeyInfo.ForSm2(other.PublicKey.ToBytes());
                    ra.BendBody = honest => honest with { SubjectPublicKeyInfo = key };
                }

                break;
            case "evidence":
                ra.BendBody = honest => honest with { Evidence = new byte[32] };
                break;
            case "subscriber":
                ra.BendBody = honest => honest with { Entity = "0f8fad5bd9cb469fa1650abbcd0f0000" };
                break;
            case "department":
                ra.BendBody = honest => honest with { Subject = [.. honest.Subject.Where(each => each.Type != Oids.OrganizationalUnitName)] };
                break;
            case "days":
                ra.BendBody = honest => honest with { Days = 731 };
                break;
            case "replaced":
                ra.BendBody = honest => honest with { Replaces = new CertificateReference(new byte[] { 1, 2, 3 }, SerialNumber.Parse("4a01")) };
                break;
            case "round":
                ra.Bend = honest => ScriptedRa.Application(honest.Kind, honest.Body.ToArray(), id: $"{ScriptedRa.Id}-1");
                break;
            case "following":
                ra.Following = Revocation();
                break;
            default:
                ra.Bend = honest => ScriptedRa.Application(honest.Kind, [0x05, 0x00]);
                break;
        }

        (int exitCode, _, string error) = await _terminal.RunAsync([.. Submit(), "--yes"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("没有签名", error);
        Assert.DoesNotContain(ra.Changes, each => each.Path.EndsWith("/submission", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhatFollowsAboutAnotherCertificate_IsNotSigned()
    {
        _terminal.Ra.Kind = "replace";
        _terminal.Ra.Certificate = Lost;
        _terminal.Ra.Following = Revocation("4a02");

        await NotSignedAsync("没有签名", "review", ScriptedRa.Id, "--approve", "--yes");
    }

    [Fact]
    public async Task SubmittedAgainAfterAReturn_ItHasAnotherReference_AndIsSigned()
    {
        _terminal.Ra.Bend = honest => ScriptedRa.Application(honest.Kind, honest.Body.ToArray(), id: $"{ScriptedRa.Id}-2");

        (int exitCode, string output, string error) = await _terminal.RunAsync("submit", "--id", ScriptedRa.Id, "--yes");

        Assert.True(exitCode == 0, error);
        Assert.Contains($"{ScriptedRa.Id}-2", output);
        Assert.Single(_terminal.Ra.Changes);
    }

    /// <summary>By what the RA shows the application is judged: it is held against the request each time, also when the evidence is there.</summary>
    [Fact]
    public async Task AnotherSubscriber_ShownOnceTheEvidenceIsThere_IsNotSigned()
    {
        const string other = "0f8fad5bd9cb469fa1650abbcd0f0000";
        _terminal.Ra.BendShown = honest => honest with { Subscriber = honest.Subscriber with { Id = other } };
        _terminal.Ra.BendBody = honest => honest with { Entity = other };

        await NotSignedAsync("没有签名", [.. Submit(), "--evidence", _terminal.Token.Write("id.pdf", "%PDF-1.4 %%EOF"u8.ToArray()), "--yes"]);
    }

    [Theory]
    [InlineData("4a01", RevocationReason.CessationOfOperation, null)]
    [InlineData("4a02", RevocationReason.CessationOfOperation, "证书")]
    [InlineData("4a01", RevocationReason.KeyCompromise, "吊销原因")]
    public async Task ARevocation_IsSigned_WhereItIsOfThatCertificateForThatReason(string serial, RevocationReason reason, string? fault)
    {
        _terminal.Ra.Kind = "revoke";
        _terminal.Ra.Bend = _ => Revocation(serial, reason);
        string[] arguments =
            ["submit", "--kind", "revoke", "--region", ScriptedRa.Region, "--subscriber", ScriptedRa.Subscriber, "--certificate", "010203/4a01", "--reason", "cessationOfOperation", "--yes"];

        if (fault is not null)
        {
            await NotSignedAsync(fault, arguments);
            return;
        }

        (int exitCode, _, string error) = await _terminal.RunAsync(arguments);
        Assert.True(exitCode == 0, error);
        Assert.Contains(_terminal.Ra.Changes, each => each.Path.EndsWith("/submission", StringComparison.Ordinal));
    }

    private static CertificateName Lost => new("010203", "4a01");

    private static Application Revocation(string serial = "4a01", RevocationReason reason = RevocationReason.KeyCompromise) => ScriptedRa.Application(
        DecisionKind.Revoke, Der.Encode(new StatusBody(new CertificateReference(new byte[] { 1, 2, 3 }, SerialNumber.Parse(serial)), reason)));

    private async Task NotSignedAsync(string reason, params string[] arguments)
    {
        (int exitCode, _, string error) = await _terminal.RunAsync(arguments);

        Assert.Equal(1, exitCode);
        Assert.Contains(reason, error);
        Assert.Contains("没有签名", error);
        Assert.DoesNotContain(_terminal.Ra.Changes, each => each.Path.EndsWith("/submission", StringComparison.Ordinal) || each.Path.EndsWith("/review", StringComparison.Ordinal));
    }

    private string[] Submit() =>
    [
        "submit", "--kind", "new", "--region", ScriptedRa.Region, "--profile", "person", "--subscriber", ScriptedRa.Subscriber, "--csr", _terminal.WriteRequest(), "--department", "处室", "--days", "730",
    ];
}
