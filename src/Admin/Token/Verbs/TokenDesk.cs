using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>Where the verbs get from what is no option: PINs, a person's yes, the time.</summary>
/// <param name="Environment">Value of a variable, or null.</param>
/// <param name="AskHidden">A line that is typed without being shown, after a prompt; the caller zeroes it. Null: nobody is at a terminal.</param>
/// <param name="Ask">A line, after a prompt; null at the end of input.</param>
internal sealed record TokenDesk(Func<string, string?> Environment, Func<string, char[]?> AskHidden, Func<string, string?> Ask, TimeProvider Time)
{
    public const string PinVariable = "ZWCA_TOKEN_PIN";
    public const string NewPinVariable = "ZWCA_TOKEN_NEW_PIN";

    private const int MaxTyped = 256;

    public static TokenDesk Terminal { get; } = new(System.Environment.GetEnvironmentVariable, ReadHidden, ReadLine, TimeProvider.System);

    /// <returns>The caller zeroes it with <see cref="Clear"/>.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: neither the variable nor a terminal.</exception>
    public char[] Pin() => Pin(PinVariable, "请输入PIN：");

    /// <summary>Of another token than the officer's.</summary>
    /// <inheritdoc cref="Pin()"/>
    public char[] Pin(string variable, string prompt) => FromVariable(variable) ?? AskHidden(prompt) ?? throw NoPin(variable);

    /// <summary>From the variable, or typed twice.</summary>
    /// <inheritdoc cref="Pin()"/>
    public char[] NewPin(string variable)
    {
        if (FromVariable(variable) is { } given)
        {
            return given;
        }

        char[] pin = AskHidden($"请设定PIN（{Token.Pin.MinLength}至{Token.Pin.MaxLength}个字符）：") ?? throw NoPin(variable);
        char[] again = AskHidden("请再次输入：") ?? [];
        bool same = pin.AsSpan().SequenceEqual(again);
        Clear(again);
        if (!same)
        {
            Clear(pin);
            throw new RefusalException(Refusal.Malformed, "两次输入的PIN不一致，未作任何改动。请重新运行。");
        }

        return pin;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: anything but yes.</exception>
    public void Confirm() => Confirm("以上内容属实并同意签名，请输入 yes：", "yes", "未确认，没有签名。");

    /// <param name="yes">What has to be typed.</param>
    /// <param name="otherwise">What has not been done, in Chinese.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: anything else.</exception>
    public void Confirm(string prompt, string yes, string otherwise)
    {
        if (Ask(prompt)?.Trim() != yes)
        {
            throw new RefusalException(Refusal.NotApproved, otherwise);
        }
    }

    /// <summary>A person's number: asked for, so that it gets into no history of commands.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: none was typed.</exception>
    public string AskNumber(string prompt) => Ask(prompt)?.Trim() is { Length: > 0 } number ? number : throw new RefusalException(Refusal.Malformed, "没有输入证件号码。");

    public static void Clear(char[] secret) => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(secret.AsSpan()));

    private char[]? FromVariable(string variable) => Environment(variable) is { Length: > 0 } value ? value.ToCharArray() : null;

    private static RefusalException NoPin(string variable) =>
        new(Refusal.NotAllowed, $"没有可输入PIN的终端。请在终端中运行，或把PIN放在环境变量 {variable} 中（不要写在命令行上）。");

    private static string? ReadLine(string prompt)
    {
        Console.Error.Write(prompt);
        return Console.In.ReadLine();
    }

    private static char[]? ReadHidden(string prompt)
    {
        if (Console.IsInputRedirected)
        {
            return null;
        }

        Console.Error.Write(prompt);
        char[] typed = GC.AllocateArray<char>(MaxTyped, pinned: true);
        int length = 0;
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                length = Math.Max(0, length - 1);
            }
            else if (key.KeyChar != '\0' && length < MaxTyped)
            {
                typed[length++] = key.KeyChar;
            }
        }

        Console.Error.WriteLine();
        char[] secret = GC.AllocateArray<char>(length, pinned: true);
        typed.AsSpan(0, length).CopyTo(secret);
        Clear(typed);
        return secret;
    }
}
