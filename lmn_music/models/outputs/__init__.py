"""Distributions over the keys of one frame."""
