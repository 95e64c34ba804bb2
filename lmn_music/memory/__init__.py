"""Linear memories: numerics that know nothing of music."""
