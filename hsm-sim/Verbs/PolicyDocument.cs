using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm.Simulator;
using ZwCa.HsmSim.Server;

namespace ZwCa.HsmSim.Verbs;

/// <summary>A partition's policy as JSON, for people to read and to write.</summary>
internal static class PolicyDocument
{
    private const string Keep = "keep";

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(PartitionPolicy policy) => new JsonObject
    {
        ["partition"] = Hex(policy.Partition),
        ["version"] = policy.Version,
        ["clients"] = new JsonArray([.. policy.Clients.Select(client => new JsonObject
        {
            ["certificateHash"] = Hex(client.CertificateHash),
            ["secretHash"] = Hex(client.SecretHash),
        })]),
        ["allowSm2Decrypt"] = policy.AllowSm2Decrypt,
        ["authorizingCas"] = new JsonArray([.. policy.AuthorizingCas.Select(ca => new JsonObject { ["name"] = ca.Name, ["keys"] = Keys(ca.Keys) })]),
        ["officerIssuers"] = Keys(policy.OfficerIssuers),
        ["recovery"] = policy.Recovery is { } rule ? new JsonObject { ["threshold"] = rule.Threshold, ["officers"] = Keys(rule.Officers) } : null,
    }.ToJsonString(Readable);

    /// <summary>The next version of a policy: what the file does not mention stays.</summary>
    /// <param name="file">Names of files in it begin at its folder.</param>
    /// <exception cref="VerbException">The file says something that no policy can.</exception>
    /// <exception cref="DerException">A key or certificate file is none.</exception>
    public static PartitionPolicy Draft(PartitionPolicy installed, FileInfo file)
    {
        try
        {
            return new Reader(installed, file.DirectoryName!).Read(JsonNode.Parse(File.ReadAllText(file.FullName)) as JsonObject ?? throw new VerbException("It is no JSON object."));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException or VerbException)
        {
            throw new VerbException($"{file.FullName}: {e.Message}");
        }
    }

    private static JsonArray Keys(IEnumerable<SubjectPublicKeyInfo> keys) => new([.. keys.Select(key => JsonValue.Create(Hex(key.PublicKey)))]);

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    private sealed class Reader(PartitionPolicy installed, string folder)
    {
        public PartitionPolicy Read(JsonObject json)
        {
            IReadOnlyList<ClientCredential> clients = installed.Clients;
            bool allowSm2Decrypt = installed.AllowSm2Decrypt;
            IReadOnlyList<AuthorizingCa> cas = installed.AuthorizingCas;
            IReadOnlyList<SubjectPublicKeyInfo> issuers = installed.OfficerIssuers;
            RecoveryRule? recovery = installed.Recovery;
            foreach ((string name, JsonNode? value) in json)
            {
                switch (name)
                {
                    case "clients":
                        clients = value is JsonArray list ? [.. list.Select(ReadClient)] : Text(value) == Keep ? clients : throw new VerbException("clients is \"keep\" or a list.");
                        break;
                    case "allowSm2Decrypt":
                        allowSm2Decrypt = Required(value).GetValue<bool>();
                        break;
                    case "authorizingCas":
                        cas = [.. Required(value).AsArray().Select(ReadCa)];
                        break;
                    case "officerIssuers":
                        issuers = ReadKeys(value);
                        break;
                    case "recovery":
                        recovery = value is null ? null : ReadRecovery(Object(value, "threshold", "officers"));
                        break;
                    default:
                        throw new VerbException($"There is no \"{name}\" to be set; partition and version are the device's.");
                }
            }

            return new PartitionPolicy(installed.Partition, installed.Version + 1, clients, allowSm2Decrypt, cas, issuers, recovery);
        }

        private RecoveryRule ReadRecovery(JsonObject rule) => new(Required(rule["threshold"]).GetValue<int>(), ReadKeys(rule["officers"]));

        private AuthorizingCa ReadCa(JsonNode? node)
        {
            JsonObject ca = Object(node, "name", "keys");
            return new AuthorizingCa(Text(ca["name"]), ReadKeys(ca["keys"]));
        }

        private SubjectPublicKeyInfo[] ReadKeys(JsonNode? keys) => [.. Required(keys).AsArray().Select(key => KeyFile.ReadPublic(Text(key), folder))];

        /// <summary>As the policy is printed; or a certificate file with the secret beside it, or one that is known already.</summary>
        private ClientCredential ReadClient(JsonNode? client)
        {
            if (client is JsonObject)
            {
                JsonObject known = Object(client, "certificateHash", "secretHash");
                return new ClientCredential(Convert.FromHexString(Text(known["certificateHash"])), Convert.FromHexString(Text(known["secretHash"])));
            }

            string file = Path.Combine(folder, Text(client));
            using X509Certificate2 certificate = ReadCertificate(file);
            byte[] hash = Credentials.HashOf(certificate);
            string secretFile = Path.Combine(Path.GetDirectoryName(file)!, ClientFolder.SecretFile);
            if (!File.Exists(secretFile))
            {
                return installed.Clients.FirstOrDefault(each => each.CertificateHash.Span.SequenceEqual(hash))
                    ?? throw new VerbException($"The certificate {file} is new: its secret is expected beside it, as {ClientFolder.SecretFile}.");
            }

            byte[] secret = ClientFolder.ReadSecret(secretFile);
            try
            {
                return new ClientCredential(hash, Sm3.HashData(secret));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(secret);
            }
        }

        private static X509Certificate2 ReadCertificate(string file)
        {
            try
            {
                return X509Certificate2.CreateFromPem(File.ReadAllText(file));
            }
            catch (CryptographicException e)
            {
                throw new VerbException($"{file} is no certificate: {e.Message}");
            }
        }

        /// <summary>A name that is misspelt must not be overlooked: holders would sign something else than was meant.</summary>
        private static JsonObject Object(JsonNode? node, params string[] names)
        {
            JsonObject json = Required(node).AsObject();
            return json.FirstOrDefault(field => !names.Contains(field.Key)).Key is { } unknown
                ? throw new VerbException($"There is no \"{unknown}\" here, only {string.Join(" and ", names)}.")
                : json;
        }

        private static string Text(JsonNode? node) => Required(node).GetValue<string>();

        private static JsonNode Required(JsonNode? node) => node ?? throw new VerbException("A field is missing or null that must not be.");
    }
}
