namespace ZwCa.Issuance;

internal static class Primes
{
    /// <summary>The primes below a bound, ascending (Eratosthenes).</summary>
    public static IEnumerable<int> Below(int bound)
    {
        bool[] isComposite = new bool[bound];
        for (int i = 2; i < bound; i++)
        {
            if (isComposite[i])
            {
                continue;
            }

            yield return i;
            for (long multiple = (long)i * i; multiple < bound; multiple += i)
            {
                isComposite[multiple] = true;
            }
        }
    }
}
