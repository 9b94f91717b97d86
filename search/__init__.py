"""OpenSearch: the profile and the event index, rebuilt from the graph and from the log of events."""
