"""Recurrences over time, one file each."""
