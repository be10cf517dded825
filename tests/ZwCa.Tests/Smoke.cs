namespace ZwCa.Tests;
public class Smoke { [Fact] public void A() => Assert.True(true); [Fact] public void B() => Assert.Skip("reason b"); }
