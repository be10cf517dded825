using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Extensions.Logging;
using ZwCa.ServiceDefaults.Requests;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>
/// The log: one JSON object a line. Of other people's components (ASP.NET Core, drivers) only the template of the message is written, without its
/// values, and of exceptions what <see cref="ExceptionText"/> takes: either may quote a request.
/// </summary>
internal sealed class JsonLines(TextWriter output, TimeProvider time) : ILoggerProvider, ISupportExternalScope
{
    private const string OurCategories = "ZwCa.";
    private const string Template = "{OriginalFormat}";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    private readonly Lock _lock = new();
    private IExternalScopeProvider? _scopes;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private void Write<TState>(string category, LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().UtcDateTime);
            json.WriteString("level", level.ToString());
            json.WriteString("category", category);
            if (id.Id != 0)
            {
                json.WriteNumber("event", id.Id);
            }

            if (category.StartsWith(OurCategories, StringComparison.Ordinal))
            {
                json.WriteString("message", formatter(state, null));
                WriteFields(json, state);
            }
            else
            {
                json.WriteString("message", TemplateOf(state));
            }

            _scopes?.ForEachScope(
                static (scope, target) =>
                {
                    // Scopes of others hold the raw path.
                    if (scope is RequestRecord record)
                    {
                        target.WriteString("requestId", record.Id);
                    }
                },
                json);
            if (exception is not null)
            {
                json.WriteString("exception", ExceptionText.Of(exception));
            }

            json.WriteEndObject();
        }

        string line = Encoding.UTF8.GetString(buffer.WrittenSpan);
        lock (_lock)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    private static void WriteFields<TState>(Utf8JsonWriter json, TState state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields)
        {
            return;
        }

        foreach ((string name, object? value) in fields.Where(field => field.Key != Template))
        {
            string key = JsonNamingPolicy.CamelCase.ConvertName(name);
            switch (value)
            {
                case int number:
                    json.WriteNumber(key, number);
                    break;
                case long number:
                    json.WriteNumber(key, number);
                    break;
                case double number:
                    json.WriteNumber(key, number);
                    break;
                case null or "":
                    break;
                default:
                    json.WriteString(key, value.ToString());
                    break;
            }
        }
    }

    private static string TemplateOf<TState>(TState state) =>
        (state as IReadOnlyList<KeyValuePair<string, object?>>)?.FirstOrDefault(field => field.Key == Template).Value as string ?? "";

    private sealed class Logger(JsonLines lines, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => lines._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Write(category, logLevel, eventId, state, exception, formatter);
    }
}
