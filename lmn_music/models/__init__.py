"""Distributions over songs, built on Linear Memory Networks."""
