using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>The canonical JSON is what Python writes, and its hash what openssl computes: nobody needs our program to know which profile is meant.</summary>
public class ProfileHashTests
{
    private const string Script = "import json,sys;sys.stdout.buffer.write(json.dumps(json.load(sys.stdin.buffer),sort_keys=True,separators=(',',':'),ensure_ascii=False).encode())";

    [Fact]
    public void PythonWritesTheSame_AndOpenSslHashesItSo()
    {
        using var openssl = new OpenSsl();
        foreach (Profile profile in ProfileCatalogue.Shipped.All.Append(Strange()))
        {
            byte[] written = Python(Encoding.UTF8.GetBytes(JsonNode.Parse(profile.CanonicalJson)!.ToJsonString(new() { WriteIndented = true })));
            Assert.Equal(profile.CanonicalJson, Encoding.UTF8.GetString(written));

            byte[] hash = openssl.Run(["dgst", "-sm3", "-binary"], written).Bytes;
            Assert.Equal(Convert.ToHexStringLower(profile.Hash.Span), Convert.ToHexStringLower(hash));
        }
    }

    private static Profile Strange()
    {
        JsonNode json = JsonNode.Parse(ProfileCatalogue.Shipped["link"].CanonicalJson)!;
        json["name"] = "strange";
        json["title"] = "\"\\/\b\t\n\f\r\u0000\u001f\u007f\u2028<&>'+é𠀀😀";
        return Profile.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    private static byte[] Python(byte[] input)
    {
        Requires.Command("python3");
        var start = new ProcessStartInfo("python3", ["-I", "-S", "-c", Script]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }
}
