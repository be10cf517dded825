namespace ZwCa.Cryptography;

/// <summary>
/// The method handles a secret: its optimised machine code contains no conditional jump but backward loop edges with a public
/// trip count, and calls nothing that is not marked too. A test disassembles every marked method and fails on anything else.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Constructor)]
internal sealed class ConstantTimeAttribute : Attribute;
