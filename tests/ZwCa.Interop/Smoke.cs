namespace ZwCa.Interop;
public class Smoke { [Fact] public void A() => Assert.True(true); [Fact] public void B() => Assert.Skip("reason b"); }
