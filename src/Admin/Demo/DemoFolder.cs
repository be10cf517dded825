namespace ZwCa.Admin.Demo;

/// <summary>A folder that a demo deletes when it runs again, and knows by a file in it.</summary>
internal static class DemoFolder
{
    private const string Marker = "DEMO";

    /// <summary>Makes it anew.</summary>
    /// <param name="folder">What an earlier demo left there is deleted; anything else is left alone.</param>
    /// <exception cref="DemoException">The folder is not a demo's.</exception>
    public static void Renew(DirectoryInfo folder)
    {
        if (folder.Exists)
        {
            if (!File.Exists(Path.Combine(folder.FullName, Marker)))
            {
                throw new DemoException($"{folder.FullName} was not made by a demo; it is left alone.");
            }

            folder.Delete(recursive: true);
        }

        folder.Create();
        File.WriteAllText(Path.Combine(folder.FullName, Marker), "Made by a demo, which deletes this folder when it runs again.\n");
    }
}
