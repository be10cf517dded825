using Xunit.Sdk;

namespace ZwCa.Tests;

public class RequiresTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsThere_LetsTheTestRun(bool ci) => Requires.Condition(met: true, "a machine", ci);

    [Fact]
    public void WhatIsMissing_FailsInCi()
    {
        FailException failure = Assert.Throws<FailException>(() => Requires.Condition(met: false, "a time machine", ci: true));

        Assert.Equal("CI=true and not run here: needs a time machine", failure.Message);
    }
}
