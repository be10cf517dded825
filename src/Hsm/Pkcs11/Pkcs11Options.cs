namespace ZwCa.Hsm.Pkcs11;

/// <summary>Which token of which PKCS#11 library to use. Not a record: nothing prints the PIN.</summary>
public sealed class Pkcs11Options
{
    private const int MaxSessions = 256;

    /// <summary>Path of the vendor's library.</summary>
    public required string Library { get; init; }

    /// <summary>CKA label of the token, without the blanks that pad it.</summary>
    public required string TokenLabel { get; init; }

    /// <summary>Needed where several tokens have the label. Null: that of the token found first, which a reconnect then has to meet again.</summary>
    public string? TokenSerial { get; init; }

    /// <summary>
    /// Gives the user's PIN as UTF-8 in a new array, at each login; the driver zeroes the array. Whatever it throws ends the call that needed the login.
    /// </summary>
    public required Func<byte[]> Pin { get; init; }

    /// <summary>Most sessions, and so most calls that the device works at (and most threads that a dead device holds).</summary>
    public int Sessions { get; init; } = 8;

    /// <summary>From a call to its answer, waiting for a session included.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The same for making a key, which takes a small device minutes.</summary>
    public TimeSpan GenerateTimeout { get; init; } = TimeSpan.FromMinutes(5);

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Library);
        ArgumentException.ThrowIfNullOrWhiteSpace(TokenLabel);
        ArgumentNullException.ThrowIfNull(Pin);
        Require(TokenSerial is not { Length: 0 }, nameof(TokenSerial));
        Require(Sessions is > 0 and <= MaxSessions, nameof(Sessions));
        Require(RequestTimeout > TimeSpan.Zero && RequestTimeout <= TimeSpan.FromHours(1), nameof(RequestTimeout));
        Require(GenerateTimeout > TimeSpan.Zero && GenerateTimeout <= TimeSpan.FromHours(1), nameof(GenerateTimeout));
    }

    private static void Require(bool met, string option)
    {
        if (!met)
        {
            throw new ArgumentException($"The option {option} is out of its bounds.", option);
        }
    }
}
