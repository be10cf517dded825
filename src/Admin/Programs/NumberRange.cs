using System.CommandLine;
using System.Globalization;

namespace ZwCa.Admin.Programs;

/// <summary>Bounds of what is typed on a command line.</summary>
internal static class NumberRange
{
    /// <summary>Refuses a number that lies outside; what is no number, the parser refuses after the validators.</summary>
    /// <param name="unit">As it is said behind the bounds, with a blank before it.</param>
    public static void RequireWithin(this Option option, int lowest, int highest, string unit = "") => option.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out int number) && (number < lowest || number > highest))
        {
            result.AddError($"{option.Name} is {lowest} to {highest}{unit}.");
        }
    });
}
