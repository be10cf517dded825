using System.Diagnostics;
using System.Text;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Ra.Batches.Import;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Files that nobody meant: whatever is in them, they are read or refused, and nothing else.</summary>
public sealed class ApplicantFuzzTests
{
    private static readonly byte[][] Interesting =
        [[0], [0xFF], [0x80], [0x81, 0x30], [(byte)'"'], [(byte)','], [(byte)'\n'], [(byte)'\r'], [(byte)'='], "\"\""u8.ToArray(), "\",\""u8.ToArray(), "；"u8.ToArray(), [0xEF, 0xBB, 0xBF], [0xE2, 0x80, 0xAE], [0xED, 0xA0, 0x80]];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>100,000 files; a million with ZWCA_LONG=1.</summary>
    [Fact]
    public async Task AMutatedFile_IsReadOrRefused_WithinBounds()
    {
        var random = new TestRandom();
        int files = TestRandom.Long ? 1_000_000 : 100_000, refused = 0, good = 0, bad = 0;
        string csr = Convert.ToBase64String(CaScene.Csr(Sm2PrivateKey.Generate()));
        string text = Text(Organization(), Person(1, organization: RaRecords.Code, departments: "一；二"), "", Device(), Person(2, "\"张,\"\"三\""));
        byte[][] seeds = [Encoding.UTF8.GetBytes(text), [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)], Gb18030.GetBytes(text), Encoding.UTF8.GetBytes(Text(Person(3, csr: csr)))];
        TimeSpan longest = TimeSpan.Zero;
        for (int i = 0; i < files; i++)
        {
            // Requests are verified, which takes its time: few of them.
            byte[] file = Mutate(random, seeds[i % 100 == 0 ? 3 : i % 3]);
            long began = Stopwatch.GetTimestamp();
            try
            {
                using ApplicantFile read = await ApplicantFile.OpenAsync(new MemoryStream(file), Token);
                while (await read.ReadAsync(Token) is { } row)
                {
                    try
                    {
                        _ = Applicant.Read(row, read.Columns, ImportDesk.Profiles);
                        good++;
                    }
                    catch (RefusalException e)
                    {
                        Assert.InRange(e.Message.Length, 1, 512);
                        bad++;
                    }
                }
            }
            catch (RefusalException e)
            {
                Assert.InRange(e.Message.Length, 1, 512);
                refused++;
            }

            TimeSpan took = Stopwatch.GetElapsedTime(began);
            longest = took > longest ? took : longest;
        }

        Assert.True(refused > files / 100 && good > files / 10 && bad > files / 10, $"{refused} files refused, {good} rows good, {bad} bad: the mutations are too many or too few.");
        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    private static byte[] Mutate(TestRandom random, byte[] seed)
    {
        var bytes = new List<byte>(seed);
        for (int times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 40)));
                    break;
                case 2:
                    bytes.InsertRange(at, Interesting[random.Next(Interesting.Length)]);
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes[at..Math.Min(bytes.Count, at + random.Next(1, 200))]);
                    break;
                default:
                    bytes.InsertRange(at, random.Bytes(random.Next(1, 8)));
                    break;
            }
        }

        return [.. bytes];
    }
}
