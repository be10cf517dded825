using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Admin.Demo;

/// <summary>
/// What a demo has to know of itself when it is run again: secrets of its own, where its services listen, and under which ids it asked for what. A file in its folder, written after each
/// change. Not safe for concurrent use.
/// </summary>
internal sealed class DemoState
{
    private const string FileName = "state.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly string _path;
    private readonly Content _content;

    private DemoState(string path, Content content)
    {
        _path = path;
        _content = content;
    }

    /// <summary>Of all tokens, and of the services' link keys.</summary>
    public string Pin => _content.Pin;

    /// <summary>Of the device's holders.</summary>
    public string HolderPassword => _content.HolderPassword;

    /// <summary>Devices, services and officers are there.</summary>
    public bool IsInstalled => _content.Installed;

    /// <summary>Begun before, and no further than to somewhere in the installation.</summary>
    public bool IsHalfInstalled { get; private init; }

    /// <param name="port">The first of those that it uses. Null: each is a free one.</param>
    public static DemoState Open(DirectoryInfo folder, int? port)
    {
        string path = Path.Combine(folder.FullName, FileName);
        if (File.Exists(path))
        {
            Content read = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path), Json)!;
            return new DemoState(path, read) { IsHalfInstalled = !read.Installed };
        }

        var state = new DemoState(path, new Content
        {
            Pin = $"demo-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}",
            HolderPassword = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            NextPort = port,
        });
        state.Save();
        return state;
    }

    /// <summary>Where something listens: the same for ever.</summary>
    public IPEndPoint EndPointOf(string name)
    {
        if (!_content.Ports.TryGetValue(name, out int port))
        {
            do
            {
                port = _content.NextPort is { } next ? next : FreePort.Find(_content.Ports.Values);
                _content.NextPort = port == _content.NextPort ? port + 1 : _content.NextPort;
            }
            while (_content.Ports.ContainsValue(port));
            _content.Ports.Add(name, port);
            Save();
        }

        return new IPEndPoint(IPAddress.Loopback, port);
    }

    /// <summary>Under which id something is asked: so often as it is asked, it is done once.</summary>
    public RequestId RequestOf(string name)
    {
        if (!_content.Requests.TryGetValue(name, out string? id))
        {
            id = RequestId.Create(TimeProvider.System).ToString();
            _content.Requests.Add(name, id);
            Save();
        }

        return RequestId.Parse(id);
    }

    /// <returns>Null: it was not kept.</returns>
    public string? Find(string name) => _content.Values.GetValueOrDefault(name);

    public void Keep(string name, string value)
    {
        _content.Values[name] = value;
        Save();
    }

    public void SetInstalled()
    {
        _content.Installed = true;
        Save();
    }

    private void Save() => TokenFiles.Replace(_path, JsonSerializer.SerializeToUtf8Bytes(_content, Json));

    private sealed class Content
    {
        public required string Pin { get; init; }

        public required string HolderPassword { get; init; }

        public bool Installed { get; set; }

        public int? NextPort { get; set; }

        public Dictionary<string, int> Ports { get; init; } = [];

        public Dictionary<string, string> Requests { get; init; } = [];

        public Dictionary<string, string> Values { get; init; } = [];
    }
}
