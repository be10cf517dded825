using System.CommandLine;
using ZwCa.Admin.Programs;

namespace ZwCa.Tests.Admin.Programs;

public sealed class NumberRangeTests
{
    [Theory]
    [InlineData("1", null)]
    [InlineData("60", null)]
    [InlineData("0", "--timeout is 1 to 60 seconds.")]
    [InlineData("61", "--timeout is 1 to 60 seconds.")]
    [InlineData("-5", "--timeout is 1 to 60 seconds.")]
    [InlineData("abc", "Cannot parse")]
    [InlineData("99999999999", "Cannot parse")]
    public void WhatLiesOutside_IsRefusedInWords(string text, string? refusal)
    {
        var timeout = new Option<int?>("--timeout");
        timeout.RequireWithin(1, 60, " seconds");
        string[] errors = [.. new Command("examine") { timeout }.Parse(["--timeout", text]).Errors.Select(each => each.Message)];
        if (refusal is null)
        {
            Assert.Empty(errors);
        }
        else
        {
            Assert.StartsWith(refusal, Assert.Single(errors));
        }
    }
}
