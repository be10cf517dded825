using System.Reflection;
using System.Runtime.CompilerServices;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>The methods with <see cref="ConstantTimeAttribute"/> of one assembly.</summary>
internal static class MarkedMethods
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    public const MethodImplAttributes OptimisedAtOnce = MethodImplAttributes.AggressiveOptimization | MethodImplAttributes.AggressiveInlining;

    /// <summary>
    /// All but the generic ones. Those have no code of their own to judge: they must be inlined, and where one were not, the call of its
    /// instantiation would be found as a call of something unmarked.
    /// </summary>
    public static IReadOnlyList<MethodBase> Of(Assembly assembly) => [.. Bodies(assembly).Where(IsMarked).Where(method => !IsGeneric(method))];

    /// <summary>As the JIT names it, without the signature.</summary>
    public static string NameOf(MethodBase method) => $"{method.DeclaringType!.FullName}:{method.Name}";

    /// <summary>What would let a marked method escape the listing, or an unmarked one be taken for a marked one.</summary>
    public static IEnumerable<string> Ambiguities(Assembly assembly)
    {
        HashSet<string> marked = [.. Bodies(assembly).Where(IsMarked).Select(NameOf)];
        foreach (MethodBase method in Bodies(assembly).Where(method => marked.Contains(NameOf(method))))
        {
            if (!IsMarked(method))
            {
                yield return $"{NameOf(method)} has an unmarked overload {method}: overloads of one name are marked together.";
            }

            if (IsGeneric(method) && (method.MethodImplementationFlags & MethodImplAttributes.AggressiveInlining) == 0)
            {
                yield return $"{NameOf(method)} is generic and not inlined: its code differs from one type argument to the next.";
            }
        }
    }

    /// <summary>Has every marked method compiled, also one that is inlined wherever it is called.</summary>
    public static void Compile(Assembly assembly)
    {
        // Static data first: code compiled before it exists asks, by a jump, whether it does.
        foreach (Type type in assembly.GetTypes().Where(type => type.TypeInitializer is not null && !type.ContainsGenericParameters))
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }

        foreach (MethodBase method in Of(assembly))
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }
    }

    private static bool IsMarked(MethodBase method) => method.IsDefined(typeof(ConstantTimeAttribute), inherit: false);

    private static bool IsGeneric(MethodBase method) => method.IsGenericMethod || method.DeclaringType!.IsGenericType;

    private static IEnumerable<MethodBase> Bodies(Assembly assembly) =>
        assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors(Declared)))
            .Where(method => !method.IsAbstract);
}
