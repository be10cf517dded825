using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Health;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Verbs;

/// <summary>A thing that has to be right before a service starts.</summary>
/// <param name="Name">A few words.</param>
/// <param name="Run">Throws where it is wrong; the message says what, and holds no secret.</param>
public sealed record StartCheck(string Name, Func<IServiceProvider, CancellationToken, Task> Run);

/// <summary>The message says what is wrong.</summary>
public sealed class StartCheckException(string message) : Exception(message);

/// <summary>What is looked at by <c>check-config</c> and, the same, at each start.</summary>
internal static class StartChecks
{
    public static readonly IReadOnlyList<StartCheck> All =
    [
        new("mode", (services, _) => Done(() => CheckMode(services.GetRequiredService<ServiceOptions>()))),
        new("system CA", (services, _) => Done(() => CheckSystemCa(services))),
        new("link certificate", (services, _) => Done(() => CheckLink(services))),
        new("database", (services, cancellation) => services.GetService<Migrator>()?.CheckAsync(cancellation) ?? Task.CompletedTask),
        new("HSM", CheckHsmAsync),
        new("addresses", (services, _) => Done(() => CheckAddresses(services))),
    ];

    private static void CheckMode(ServiceOptions options)
    {
        if (options.Mode != ServiceMode.Production)
        {
            return;
        }

        if (Environment.GetEnvironmentVariable(FaultPoint.Variable) is not null)
        {
            throw new StartCheckException($"{FaultPoint.Variable} is set: fault points are for tests.");
        }

        if (options.Link.PasswordVariable is null)
        {
            throw new StartCheckException("The link key has no password: set Link:PasswordVariable.");
        }
    }

    private static void CheckSystemCa(IServiceProvider services)
    {
        LinkTrust trust = services.GetRequiredService<LinkTrust>();
        ServiceOptions options = services.GetRequiredService<ServiceOptions>();
        if (options.Mode == ServiceMode.Production && trust.HasDemo)
        {
            throw new StartCheckException($"{options.Link.SystemCaFile} has the system CA of a demonstration: it never goes into production.");
        }
    }

    private static void CheckAddresses(IServiceProvider services)
    {
        IReadOnlyList<string> reasons = ListenAddress.WhyNot(services.GetServices<ListenAddress>());
        if (reasons.Count > 0)
        {
            throw new StartCheckException(string.Join(" ", reasons));
        }
    }

    private static void CheckLink(IServiceProvider services)
    {
        X509Certificate2 own = services.GetRequiredService<LinkCertificate>().Current;
        LinkTrust trust = services.GetRequiredService<LinkTrust>();
        foreach (Oid purpose in (Oid[])[LinkTrust.ServerAuthentication, LinkTrust.ClientAuthentication])
        {
            if (trust.WhyNot(own, purpose) is { } reason)
            {
                throw new StartCheckException($"The others would not believe it: {reason}.");
            }
        }
    }

    private static async Task CheckHsmAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        if (services.GetService<IHsm>() is not { } hsm)
        {
            return;
        }

        await HsmCheck.ReachAsync(hsm, cancellationToken);
        if (services.GetRequiredService<ServiceOptions>().Mode != ServiceMode.Production)
        {
            return;
        }

        if (hsm.Token.Marks != StoreMarks.None)
        {
            throw new StartCheckException($"Token {hsm.Token.Label} is marked {hsm.Token.Marks}: unfit for production, for good.");
        }

        // A device that tells nothing about backups has its maker's own procedure.
        if (hsm.Token is { LastBackup: null, KeysWithoutBackup: not null })
        {
            throw new StartCheckException($"Token {hsm.Token.Label} has no backup.");
        }

        if (hsm.Token.KeysWithoutBackup is > 0 and int keys)
        {
            throw new StartCheckException($"Token {hsm.Token.Label} has {keys} keys that were made after its last backup: make another.");
        }
    }

    private static Task Done(Action check)
    {
        check();
        return Task.CompletedTask;
    }
}
