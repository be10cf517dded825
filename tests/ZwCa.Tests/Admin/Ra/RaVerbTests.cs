using System.Text.Json.Nodes;
using ZwCa.Admin.Ra;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Tests.Admin.Token;
using Pair = ZwCa.Tests.Admin.Token.PairAnswer;

namespace ZwCa.Tests.Admin.Ra;

/// <summary><c>zwca ra</c> at the command line.</summary>
public sealed class RaVerbTests : IDisposable
{
    private readonly RaTerminal _terminal = new();

    public void Dispose() => _terminal.Dispose();

    [Theory]
    [InlineData("review", ScriptedRa.Id)]
    [InlineData("review", ScriptedRa.Id, "--approve", "--reject", "不符")]
    [InlineData("review", "E1", "--approve")]
    [InlineData("submit")]
    [InlineData("submit", "--kind", "new")]
    [InlineData("submit", "--kind", "nonsense", "--region", "350102", "--subscriber", ScriptedRa.Subscriber)]
    [InlineData("submit", "--request", "a.json", "--kind", "new", "--region", "350102", "--subscriber", ScriptedRa.Subscriber)]
    [InlineData("cancel", ScriptedRa.Id)]
    [InlineData("list", "--state", "lost")]
    [InlineData("subscriber", "find")]
    [InlineData("track", "ABCD", "--address", "ftp://example")]
    [InlineData("batch", "import", "applicants.csv")]
    [InlineData("batch", "import", "applicants.csv", "--batch", ScriptedRa.Id, "--title", "一")]
    [InlineData("batch", "renew", "--region", "350102")]
    [InlineData("batch", "revoke", "--region", "350102", "--reason", "cessationOfOperation")]
    [InlineData("batch", "submit", "B1")]
    [InlineData("batch", "keys", ScriptedRa.Id)]
    [InlineData("batch", "keys", ScriptedRa.Id, "--token", "t", "--kind", "dsa")]
    [InlineData("batch", "cancel", ScriptedRa.Id)]
    public async Task AWrongCommandLine_IsExitCode2_AndNothingIsAsked(params string[] arguments)
    {
        (int exitCode, _, string error) = await _terminal.RunAsync(arguments);

        Assert.Equal(2, exitCode);
        Assert.NotEmpty(error);
        Assert.Empty(_terminal.Ra.Asked);
    }

    [Theory]
    [InlineData("profiles")]
    [InlineData("subscriber", "add")]
    [InlineData("subscriber", "find")]
    [InlineData("subscriber", "list")]
    [InlineData("submit")]
    [InlineData("list")]
    [InlineData("show")]
    [InlineData("review")]
    [InlineData("deliver")]
    [InlineData("receipt")]
    [InlineData("cancel")]
    [InlineData("archive")]
    [InlineData("track")]
    [InlineData("batch")]
    [InlineData("batch", "import")]
    [InlineData("batch", "renew")]
    [InlineData("batch", "revoke")]
    [InlineData("batch", "list")]
    [InlineData("batch", "show")]
    [InlineData("batch", "rows")]
    [InlineData("batch", "make")]
    [InlineData("batch", "keys")]
    [InlineData("batch", "submit")]
    [InlineData("batch", "review")]
    [InlineData("batch", "deliver")]
    [InlineData("batch", "cancel")]
    public async Task EveryVerb_HasHelp(params string[] verb)
    {
        (int exitCode, string output, _) = await _terminal.RunAsync([.. verb, "--help"]);

        Assert.Equal(0, exitCode);
        Assert.Contains(verb[^1], output);
    }

    [Fact]
    public async Task ARefusal_IsShownAsItIs()
    {
        const string refusal = "审核人须为另一人：您是该申请的录入人。";
        _terminal.Ra.Answers[$"POST /enrollments/{ScriptedRa.Id}/review"] = _ => throw new RefusalException(Refusal.SecondOfficerRequired, refusal);

        (int exitCode, _, string error) = await _terminal.RunAsync("review", ScriptedRa.Id, "--approve", "--yes");

        Assert.Equal((1, refusal), (exitCode, error.Trim()));
    }

    [Fact]
    public async Task AnAnswerThatWasLost_IsAskedForAgain_UnderTheSameId()
    {
        _terminal.Ra.Lost = 1;

        (int exitCode, _, string error) = await _terminal.RunAsync("show", ScriptedRa.Id);

        Assert.True(exitCode == 0, error);
        Assert.Equal(2, _terminal.Ra.Asked.Count);
        Assert.Single(_terminal.Ra.Asked.Select(each => each.RequestId).Distinct());
    }

    [Fact]
    public async Task ReturnedWithAReason_NothingIsSigned()
    {
        (int exitCode, _, string error) = await _terminal.RunAsync("review", ScriptedRa.Id, "--return", "复印件不清晰");

        Assert.True(exitCode == 0, error);
        ReviewRequest review = _terminal.Ra.Changes.Single().Read<ReviewRequest>();
        Assert.Equal(("returned", "复印件不清晰", null, 3L), (review.Outcome, review.Reason, review.Approval, review.Version));
        Assert.DoesNotContain(_terminal.Ra.Asked, each => each.Path.EndsWith("/application", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AList_GoesThroughItsPages_AsATableOrJson()
    {
        _terminal.Ra.Answers["GET /enrollments"] = asked => new EnrollmentPage
        {
            Enrollments = [Summary(asked.Path.Contains("after=", StringComparison.Ordinal) ? "1" : "0")],
            Next = asked.Path.Contains("after=", StringComparison.Ordinal) ? null : Id("0"),
        };

        (_, string first, _) = await _terminal.RunAsync("list", "--state", "submitted", "--overdue", "--rows", "1");
        (_, string json, _) = await _terminal.RunAsync("list", "--all", "--json");

        Assert.Equal("/enrollments?state=submitted&overdue=true&rows=1", _terminal.Ra.Asked[0].Path);
        Assert.Contains(Id("0"), first);
        Assert.Contains("待审核", first);
        Assert.Contains($"--after {Id("0")}", first);

        // Another's text does not turn the terminal's writing.
        Assert.Contains("\\u{202E}", first);
        Assert.DoesNotContain('\u202E', first + json);
        Assert.Equal([Id("0"), Id("1")], JsonNode.Parse(json)!["enrollments"]!.AsArray().Select(each => (string)each!["id"]!));
    }

    [Fact]
    public async Task PagesThatDoNotGoOn_EndTheList()
    {
        _terminal.Ra.Answers["GET /enrollments"] = _ => new EnrollmentPage { Enrollments = [Summary("0")], Next = Id("0") };

        (int exitCode, _, string error) = await _terminal.RunAsync("list", "--all");

        Assert.Equal(1, exitCode);
        Assert.Contains("分页有误", error);
        Assert.Equal(2, _terminal.Ra.Asked.Count);
    }

    /// <summary>Null where there is always something, in an RA's answer or in the settings: said in a line, not as a crash.</summary>
    [Fact]
    public async Task ANullThatCannotBe_IsOneLine()
    {
        _terminal.Ra.Answers[$"GET /enrollments/{ScriptedRa.Id}"] = _ => JsonNode.Parse("""{"id":null,"evidence":null}""")!;
        (int exitCode, _, string error) = await _terminal.RunAsync("show", ScriptedRa.Id);
        Assert.Equal((1, "RA的应答无法识别，请联系管理员。"), (exitCode, error.Trim()));

        _terminal.Token.Write("zwca-ra.json", """{"address":"https://ra","recipient":"ra","systemCaFile":"a.pem","token":null}"""u8.ToArray());
        (exitCode, _, error) = await _terminal.RunAsync("show", ScriptedRa.Id);
        Assert.Equal(1, exitCode);
        Assert.Contains("配置文件", error);

        _terminal.Token.Write("zwca-ra.json", """{"address":"https://ra","at":"ra-35:8443","recipient":"ra","systemCaFile":"a.pem","token":"t"}"""u8.ToArray());
        (exitCode, _, error) = await _terminal.RunAsync("show", ScriptedRa.Id);
        Assert.Equal(1, exitCode);
        Assert.Contains("at 应为", error);
    }

    [Fact]
    public async Task WhyTheCaHasNotAnswered_IsShown()
    {
        _terminal.Ra.BendShown = shown => shown with { Waiting = "该RA已被停用。" };

        (_, string output, _) = await _terminal.RunAsync("show", ScriptedRa.Id);

        Assert.Contains("该RA已被停用。", output);
    }

    [Fact]
    public async Task APersonsNumber_IsTypedAndNotOnTheCommandLine()
    {
        _terminal.Ra.Answers["POST /subscribers/search"] = _ => throw new RefusalException(Refusal.NotFound, "没有该用户。");
        _terminal.Token.Typed.Enqueue("11010519491231002X");

        (int exitCode, _, string error) = await _terminal.RunAsync("subscriber", "find", "--kind", "person");

        Assert.Equal((1, "没有该用户。"), (exitCode, error.Trim()));
        Assert.Equal("11010519491231002X", _terminal.Ra.Asked.Single().Read<SubscriberSearch>().Number);
    }

    [Fact]
    public async Task AWrongPin_IsExitCode1_AndNothingIsAsked()
    {
        _terminal.Token.Environment[ZwCa.Admin.Token.TokenDesk.PinVariable] = "wrong-pin-1";

        (int exitCode, _, string error) = await _terminal.RunAsync("profiles");

        Assert.Equal(1, exitCode);
        Assert.Contains("PIN不正确", error);
        Assert.Empty(_terminal.Ra.Asked);
    }

    [Fact]
    public async Task Tracking_NeedsNoToken()
    {
        _terminal.Token.Environment.Clear();
        _terminal.Ra.Answers["GET /tracking/ABCD-1"] = _ => new TrackingAnswer
        {
            TrackingNumber = "ABCD-1", Kind = "new", State = "issued", Message = "请携带令牌领取。", CreatedAt = DateTimeOffset.UnixEpoch, ChangedAt = DateTimeOffset.UnixEpoch,
        };

        (int exitCode, string output, string error) = await _terminal.RunAsync("track", "ABCD-1");

        Assert.True(exitCode == 0, error);
        Assert.Contains("请携带令牌领取。", output);
        Assert.Null(_terminal.Ra.Asked.Single().RequestId);
    }

    [Fact]
    public async Task APair_IsHandedOutToTheTokenThatProvesItsKey_AndItsReceiptGoesBack()
    {
        using var applicant = TestToken.Stocked();
        var token = ZwCa.Admin.Token.SoftwareToken.Open(applicant.Folder, applicant.Clock);
        byte[] challenge = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        var pair = Pair.For(token.Container("新").PublicKey, applicant.Clock.GetUtcNow());
        _terminal.Ra.Answers[$"POST /enrollments/{ScriptedRa.Id}/delivery/challenge"] = _ => new DeliveryChallenge { Challenge = challenge, ValidUntil = DateTimeOffset.MaxValue };
        _terminal.Ra.Answers[$"POST /enrollments/{ScriptedRa.Id}/delivery"] = _ => new DeliveryAnswer { State = "waiting", Pair = Show(pair) };
        _terminal.Token.Environment[DeliverVerb.PinVariable] = TestToken.Pin;

        (int exitCode, string output, string error) = await _terminal.RunAsync("deliver", ScriptedRa.Id, "--subscriber-token", applicant.Folder, "--subscriber-container", "新");

        Assert.True(exitCode == 0, error);
        Assert.Contains("已办结", output);
        byte[] proof = _terminal.Ra.Changes.Single(each => each.Path.EndsWith("/delivery", StringComparison.Ordinal)).Read<DeliveryRequest>().Proof;
        Assert.True(token.Container("新").PublicKey.TryGetSm2Key(out ZwCa.Cryptography.Sm2PublicKey? key));
        Assert.True(key.Verify([.. "ZWCA-DELIVERY1"u8, .. System.Text.Encoding.ASCII.GetBytes(ScriptedRa.Id), .. challenge], Der.Decode<ZwCa.Asn1.Gm.Sm2Signature>(proof).Raw.Span));
        SignedReceipt receipt = Der.Decode<SignedReceipt>(_terminal.Ra.Changes.Last().Read<PairReceipt>().Receipt);
        Assert.True(receipt.Verify(token.Container("新").PublicKey));
        Assert.Equal(DeliveryOutcome.Accepted, receipt.Receipt.Outcome);
        Assert.Equal(pair.Serial, token.Container("新").EncryptionPairs().Single().Certificate!.Tbs.SerialNumber);

        // For a token that is elsewhere, into files.
        (exitCode, output, error) = await _terminal.RunAsync(
            "deliver", ScriptedRa.Id, "--subscriber-token", applicant.Folder, "--subscriber-container", "新", "--files", applicant.File("pair"));
        Assert.True(exitCode == 0, error);
        Assert.Contains(Convert.ToHexStringLower(pair.PairId), output);
        Assert.Equal(pair.Der, File.ReadAllBytes(Path.Combine(applicant.File("pair"), "envelope.der")));

        // A folder that has files of a pair already: said before anything is fetched.
        int asked = _terminal.Ra.Asked.Count;
        (exitCode, _, error) = await _terminal.RunAsync(
            "deliver", ScriptedRa.Id, "--subscriber-token", applicant.Folder, "--subscriber-container", "新", "--files", applicant.File("pair"));
        Assert.Equal((1, true), (exitCode, error.Contains("已存在", StringComparison.Ordinal)));
        Assert.Equal(asked, _terminal.Ra.Asked.Count);
    }

    private static ZwCa.Contracts.Ca.PairAnswer Show(Pair pair) => new()
    {
        Id = Id("a"),
        Signing = Show(pair.Signing),
        Encryption = Show(pair.Encryption),
        Chain = [],
        KeySerial = pair.Serial.ToString(),
        Delivery = "waiting",
        DeliveryId = Convert.ToHexStringLower(pair.PairId),
        Recipient = pair.Signing.Tbs.SerialNumber.ToString(),
        Envelope = pair.Der,
    };

    private static CertificateAnswer Show(ZwCa.Asn1.Pkix.Certificate certificate) => new()
    {
        Serial = certificate.Tbs.SerialNumber.ToString(),
        Issuer = Convert.ToHexStringLower(Pair.IssuerKeyId),
        Profile = "person-signing",
        State = "valid",
        Region = ScriptedRa.Region,
        Certificate = Der.Encode(certificate),
        IssuerCertificate = [],
        NotBefore = certificate.Tbs.Validity.NotBefore.Value,
        NotAfter = certificate.Tbs.Validity.NotAfter.Value,
    };

    private static string Id(string digit) => string.Concat(Enumerable.Repeat(digit, 32));

    private static EnrollmentSummary Summary(string digit) => new()
    {
        Id = Id(digit), TrackingNumber = "ABCD", Kind = "new", State = "submitted", Version = 1, Region = ScriptedRa.Region, Profile = "per\u202Eson", Subscriber = ScriptedRa.Subscriber,
        CreatedAt = DateTimeOffset.UnixEpoch, ChangedAt = DateTimeOffset.UnixEpoch,
    };
}
