"""New songs from a model."""
