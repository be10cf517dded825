namespace ZwCa.Ocsp.Feed;

/// <summary>What has come is not the feed, or not what follows: nothing of it is believed. The message is for the operator.</summary>
internal sealed class FeedRefusedException(string message) : Exception(message);
