"""Writing MusicXML: a written-out piece becomes a music21 score, which music21 exports."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

from lmn_music.errors import RenderingError
from lmn_music.files import replacing
from lmn_music.formats.midi_writer import check_tempo
from lmn_music.formats.music21_score import to_music21
from lmn_music.music.metre import QUARTERS_PER_BAR
from lmn_music.music.piece import Piece
from lmn_music.music.sheet import Sheet, write_out

_DOCTYPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_INSTRUMENT = ("score-instrument", "midi-instrument")
MAX_BARS = 4000  # more take minutes to write, and are not read again
TOO_LONG = f"the score would have more than {MAX_BARS} bars: write less of the piece"


def check_musicxml(frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if the tempo is out of range, RenderingError if so many frames have more than 4000 bars."""
    check_tempo(tempo)
    if frames > MAX_BARS * QUARTERS_PER_BAR * frames_per_quarter:
        raise RenderingError(TOO_LONG)


def write_musicxml(piece: Piece, path: Path) -> None:
    """Write the piece as MusicXML: see `write_out` for how its notes are written.

    Args:
        piece: the piece.
        path: the file to write.

    Raises:
        RenderingError: there are more than 4000 bars.
        LmnMusicError: the file cannot be written.
    """
    content = to_musicxml(write_out(piece))
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def to_musicxml(sheet: Sheet) -> bytes:
    """Return the content of a MusicXML file. The same piece gives the same file.

    Args:
        sheet: the written piece.

    Raises:
        RenderingError: there are more than 4000 bars.
    """
    from music21.musicxml.m21ToXml import ScoreExporter

    if len(sheet.bars) > MAX_BARS:
        raise RenderingError(TOO_LONG)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on the notation, which have no bearing on what is written
        root = ScoreExporter(to_music21(sheet), makeNotation=False).parse()
    for unwanted in ("identification", *(() if sheet.title else ("movement-title",))):
        for element in root.findall(unwanted):
            root.remove(element)  # music21 writes its own name as the composer's, today's date, a title of its own
    for measure in root.iterfind("part/measure[@number='0']"):
        measure.set("implicit", "yes")
    _number(root)
    return (_DOCTYPE + ElementTree.tostring(root, encoding="unicode")).encode()


def _number(root: ElementTree.Element) -> None:
    """Give names to parts and instruments that are the same each time; those of music21 are drawn at random."""
    names: dict[str, str] = {}
    for element in root.iter():
        if (name := element.get("id")) and element.tag in ("score-part", "part", *_INSTRUMENT):
            parts = sum(known.startswith("P") for known in names.values())
            fresh = f"I{parts}" if element.tag in _INSTRUMENT else f"P{parts + 1}"  # an instrument follows its part
            element.set("id", names.setdefault(name, fresh))
