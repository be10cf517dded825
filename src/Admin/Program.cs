Console.WriteLine("zwca");
