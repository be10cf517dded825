namespace ZwCa.Admin.Demo;

/// <summary>The folder of a demo, which knows it by a file in it: nothing else is ever deleted.</summary>
internal static class DemoFolder
{
    private const string Marker = "DEMO";

    /// <summary>Makes it, or finds it as an earlier demo left it.</summary>
    /// <param name="reset">What an earlier demo left there is deleted.</param>
    /// <exception cref="DemoException">There is something in it that is not a demo's.</exception>
    public static void Open(DirectoryInfo folder, bool reset)
    {
        if (folder.Exists && folder.EnumerateFileSystemInfos().Any())
        {
            if (!File.Exists(Path.Combine(folder.FullName, Marker)))
            {
                throw new DemoException($"{folder.FullName} is not empty and was not made by a demo; it is left alone. Name another folder with --out.");
            }

            if (!reset)
            {
                return;
            }

            folder.Delete(recursive: true);
        }

        folder.Create();
        File.WriteAllText(Path.Combine(folder.FullName, Marker), "Made by zwca demo. Run again, it goes on with what is here; --reset deletes it.\n");
    }
}
