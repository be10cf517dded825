using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Keys;

/// <summary>CVE-2008-0166: that we compute the keys which the faulty OpenSSL made, and that the table leads to them.</summary>
public class DebianKeysTests
{
    /// <summary>
    /// The judge is the faulty OpenSSL itself, rebuilt: the sum over the sums of nine keys, one of each machine and seed file, of a public project's test
    /// (tests/testdata/keys/README.md).
    /// </summary>
    [Fact]
    [SuppressMessage("Security", "CA5350", Justification = "The published sum is SHA-1.")]
    public void KeysOfOneProcess_AreThoseOfTheFaultyOpenSsl()
    {
        const int Process = 32767;

        IEnumerable<string> sums = Enumerable.Range(Process * DebianOrigin.Variants, DebianOrigin.Variants)
            .Select(place => DebianKeyGeneration.ModulusOf(DebianOrigin.At(place), 2048))
            .Select(modulus => $"Modulus={modulus.ToString("X", CultureInfo.InvariantCulture)[1..]}\n")
            .Select(line => Convert.ToHexStringLower(SHA1.HashData(Encoding.ASCII.GetBytes(line))))
            .Order(StringComparer.Ordinal);

        string all = string.Concat(sums.Select(sum => sum + "\n"));
        Assert.Equal("2a910e906624766546114d300ca6b671c7acc08c", Convert.ToHexStringLower(SHA1.HashData(Encoding.ASCII.GetBytes(all))));
    }

    [Fact]
    public void SizeWithoutATable_FindsNothing()
    {
        Assert.Empty(DebianKeys.Load(2056));
        Assert.False(DebianKeys.Contains((BigInteger.One << 2055) + 1));
    }

    [Fact]
    public void PlacesAndOrigins_CorrespondInOrder()
    {
        Assert.Equal(new DebianOrigin(DebianMachine.LittleEndian32, DebianSeedFile.Read, 0), DebianOrigin.At(0));
        Assert.Equal(new DebianOrigin(DebianMachine.LittleEndian64, DebianSeedFile.Unreadable, 0), DebianOrigin.At(5));
        Assert.Equal(new DebianOrigin(DebianMachine.BigEndian32, DebianSeedFile.Unreadable, 32767), DebianOrigin.At((9 * 32768) - 1));
    }
}
