using ZwCa.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Gm;

public class CheckDigitTests
{
    [Theory]
    [InlineData("11010519491231002X", 1949, 12, 31)] // example of GB 11643-1999
    [InlineData("440524188001010014", 1880, 1, 1)] // example of GB 11643-1999
    [InlineData("110105200002290005", 2000, 2, 29)]
    public void ResidentIdOfTheStandard_IsAccepted(string text, int year, int month, int day)
    {
        var id = ResidentId.Parse(text);

        Assert.Equal(text, id.Value);
        Assert.Equal(new DateOnly(year, month, day), id.BirthDate);
        Assert.Equal(text[..6], id.AdministrativeDivision);
    }

    [Theory]
    [InlineData("110105194912310020", "check character")]
    [InlineData("11010519491231002x", "lower case")]
    [InlineData("11010519491231003X", "digit changed")]
    [InlineData("11010591491231002X", "digits exchanged")]
    [InlineData("11010519491231002", "17 characters")]
    [InlineData("11010519491231002X ", "19 characters")]
    [InlineData("110105491231002", "number of 15 digits, abolished")]
    [InlineData("A1010519491231002X", "letter")]
    [InlineData("１1010519491231002X", "full-width digit")]
    [InlineData("", "empty")]
    [InlineData(null, "null")]
    public void ResidentIdOfAnotherForm_IsRefused(string? text, string why)
    {
        Assert.NotEmpty(why);
        Assert.False(ResidentId.TryParse(text, out ResidentId? id));
        Assert.Null(id);
    }

    [Theory]
    [InlineData("1101051949023")] // 30 February, whatever the rest
    [InlineData("1101051900022")]
    [InlineData("1101051949130")]
    [InlineData("1101051949003")]
    [InlineData("1101050000010")]
    public void DayThatTheCalendarDoesNotHave_IsRefused_WithTheRightCheckCharacterToo(string start)
    {
        // 29 February 1900 and the other impossible days, each with every ending: some have the right check character.
        int right = 0;
        for (int i = 0; i < 10_000; i++)
        {
            string text = start + i.ToString("D4") + "0";
            foreach (char check in "0123456789X")
            {
                string candidate = text[..17] + check;
                if (CheckCharacter(candidate) == check && !DateOnly.TryParseExact(candidate[6..14], "yyyyMMdd", out _))
                {
                    right++;
                    Assert.False(ResidentId.TryParse(candidate, out _));
                }
            }
        }

        Assert.True(right > 0);
    }

    [Fact]
    public void EveryWrongCharacter_IsFound()
    {
        const string Valid = "11010519491231002X";
        for (int at = 0; at < 17; at++)
        {
            for (char digit = '0'; digit <= '9'; digit++)
            {
                string changed = Valid[..at] + digit + Valid[(at + 1)..];
                Assert.Equal(digit == Valid[at], ResidentId.TryParse(changed, out _));
            }
        }
    }

    [Theory]
    [InlineData("91350100M000100Y43")] // GB 32100-2015
    [InlineData("91110000600037341L")]
    public void CreditCode_IsAccepted(string text)
    {
        var code = UnifiedSocialCreditCode.Parse(text);

        Assert.Equal(text, code.Value);
        Assert.Equal(text[2..8], code.AdministrativeDivision);
        Assert.Equal(text[8..17], code.OrganizationCode);
    }

    [Theory]
    [InlineData("91350100M000100Y44", "check character")]
    [InlineData("91350100M000100Y4", "17 characters")]
    [InlineData("91350100m000100y43", "lower case")]
    [InlineData("9135O100M000100Y43", "O, which is not used")]
    [InlineData("91A50100M000100Y43", "letter in the division")]
    [InlineData("91350100M000100Y53", "organisation code")]
    [InlineData("", "empty")]
    [InlineData(null, "null")]
    public void CreditCodeOfAnotherForm_IsRefused(string? text, string why)
    {
        Assert.NotEmpty(why);
        Assert.False(UnifiedSocialCreditCode.TryParse(text, out UnifiedSocialCreditCode? code));
        Assert.Null(code);
    }

    [Fact]
    public void OrganisationCodeIsChecked_EvenWhenTheOuterCheckCharacterIsRight()
    {
        // Another check character inside, and the one outside that goes with it: only the inner rule can object.
        const string Alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        int accepted = 0;
        foreach (char inner in "0123456789X")
        {
            foreach (char outer in Alphabet)
            {
                if (UnifiedSocialCreditCode.TryParse("91350100M000100Y" + inner + outer, out UnifiedSocialCreditCode? code))
                {
                    accepted++;
                    Assert.Equal("91350100M000100Y43", code.Value);
                }
            }
        }

        Assert.Equal(1, accepted);
    }

    [Fact]
    public void Messages_DoNotRepeatTheText()
    {
        Assert.DoesNotContain("1949", Assert.Throws<FormatException>(() => ResidentId.Parse("110105194912310020")).Message);
        Assert.DoesNotContain("9135", Assert.Throws<FormatException>(() => UnifiedSocialCreditCode.Parse("91350100M000100Y44")).Message);
    }

    /// <summary>The weights of GB 11643 as a table.</summary>
    private static char CheckCharacter(string text)
    {
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        return "10X98765432"[weights.Select((w, i) => w * (text[i] - '0')).Sum() % 11];
    }
}
