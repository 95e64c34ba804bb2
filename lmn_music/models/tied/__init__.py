"""The pitch-tied architecture: the same small network runs over time for every key."""
