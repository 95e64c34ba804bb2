"""Formats: files to pieces and piano-rolls, and back. `registry.FORMATS` is the table of them.

Importing this package is cheap: each format's file, and with it NumPy, mido, music21, SciPy or matplotlib, is imported
when a file of that format is first read or written.
"""

from lmn_music.formats.output import check_length, check_output, check_place, file_bytes, write_piece, write_roll
from lmn_music.formats.registry import FORMATS, TEMPO, Format, readable, readable_labels, writable
from lmn_music.formats.score import read_piece, read_score

__all__ = [
    "FORMATS",
    "TEMPO",
    "Format",
    "check_length",
    "check_output",
    "check_place",
    "file_bytes",
    "read_piece",
    "read_score",
    "readable",
    "readable_labels",
    "writable",
    "write_piece",
    "write_roll",
]
