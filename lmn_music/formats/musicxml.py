"""Reading MusicXML files: plain (.musicxml, .xml) and compressed (.mxl)."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from typing import Any, cast
from xml.etree import ElementTree  # expat 2.4.1 and later, which Python 3.11 brings, stops entity bombs by itself

from lmn_music.errors import ScoreError
from lmn_music.formats.musicxml_parts import read_stream, read_tempos
from lmn_music.formats.registry import XML_BYTES
from lmn_music.music.piece import Piece

# As for XML_BYTES; the time of music21 grows with the square of the measures of each part.
MAX_SQUARED_MEASURES = 20_000_000  # summed over the parts: 4,400 measures in one part, or 600 in each of 55
MAX_TRANSPOSITIONS = 300  # one for each transposing instrument and each change of it

# What is printed and does not sound. Without it music21 reads faster, makes fewer mistakes (a direction with an
# offset makes a bar longer, and all that follows late), and does not work for hours on a hundred thousand open slurs.
_HEADING = {"credit", "defaults", "part-group"}
_IN_MEASURES = {"barline", "direction", "figured-bass", "harmony", "measure-style", "print", "sound"}
_IN_NOTES = {"beam", "lyric", "notations", "stem"}
_SILENT = _HEADING | _IN_MEASURES | _IN_NOTES


def read_mxl(data: bytes, title: str) -> Piece:
    """Return the piece in a compressed MusicXML file, that is, in a zip archive with the score inside.

    Arguments, result and errors are as for `read_musicxml`.
    """
    return read_musicxml(_unpack(data), title)


def read_musicxml(data: bytes, title: str) -> Piece:
    """Return the piece in a MusicXML file.

    Each voice of each staff is a part. The notes of transposing instruments get the pitch at which they sound. Tied
    notes are one note; chord symbols, grace notes and cue notes are left out; repeats are read once. Bars are the
    measures of the first part: a measure that is too short or too long for its time signature gets one of its own, and
    an implicit measure, such as the second half of a bar that a repeat sign divides, belongs to the bar before.

    Args:
        data: the content of the file.
        title: the title of the piece.

    Raises:
        ScoreError: not a MusicXML file, a damaged or a too large one.
    """
    root = _parse(data)
    tempos = list(read_tempos(root))
    implicit = [measure.get("implicit") == "yes" for measure in root.iterfind("part[1]/measure")]
    _strip(root)
    from music21.musicxml import xmlToM21  # the importer itself: music21's `parse` caches in pickles

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on the notation, which have no bearing on what sounds
            importer: Any = cast(Any, xmlToM21).MusicXMLImporter()  # which has no types
            score = importer.stream
            importer.xmlRootToScore(root, score)  # into its own stream: the staves of a piano would be lost elsewhere
            score.toSoundingPitch(inPlace=True)
            return read_stream(score, tempos, implicit, title)
    except Exception as error:  # on odd files music21 raises errors of every kind
        raise ScoreError("music21 cannot read the score: export it anew", "unreadable (MusicXML)") from error


def _parse(data: bytes) -> ElementTree.Element:
    """Return the root of a partwise score that is not too large."""
    if len(data) > XML_BYTES:
        raise ScoreError(
            f"the score has more than {XML_BYTES} bytes of XML: split the piece", "too long (bytes of XML)"
        )
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 -- see the import
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that is none
        raise ScoreError("not well-formed XML: export the score anew", "unreadable (not well-formed XML)") from error
    if root.tag != "score-partwise":
        raise ScoreError(
            f"the file holds <{root.tag[:40]}>, not <score-partwise>: export the score as MusicXML, partwise",
            "unreadable (not a partwise MusicXML score)",
        )
    if sum(len(part.findall("measure")) ** 2 for part in root.iter("part")) > MAX_SQUARED_MEASURES:
        raise ScoreError("the score has thousands of measures: split the piece", "too long (measures)")
    if sum(1 for _ in root.iter("transpose")) > MAX_TRANSPOSITIONS:
        raise ScoreError("the score changes its transposing instruments too often", "unreadable (transpositions)")
    return root


def _strip(root: ElementTree.Element) -> None:
    """Remove what does not sound, and time signatures that are none."""
    for parent in root.iter():
        parent[:] = [child for child in parent if child.tag not in _SILENT and not _endless(child)]


def _endless(element: ElementTree.Element) -> bool:
    """Return whether it is a time signature of so many beats that music21 would work on it for hours."""
    beats = element.findtext("beats", "") if element.tag == "time" else ""
    return len(beats) > 20 or any(int(number) > 255 for number in re.findall("[0-9]+", beats))


def _unpack(data: bytes) -> bytes:
    """Return the score inside a .mxl archive: the file that META-INF/container.xml names first, else the first .xml."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.filename.startswith("META-INF/")]
            if "META-INF/container.xml" in archive.namelist():
                with archive.open("META-INF/container.xml") as file:
                    container = ElementTree.fromstring(file.read(100_000))  # noqa: S314 -- see the import
                names = [root.get("full-path", "") for root in container.iter("rootfile")] + names
            name = next(name for name in names if name.lower().endswith((".xml", ".musicxml")))
            with archive.open(name) as file:
                return file.read(XML_BYTES + 1)  # and not a byte more, whatever a zip bomb would unpack to
    except Exception as error:  # zipfile and zlib each have errors of their own for damaged data
        raise ScoreError("not a compressed MusicXML file: export it anew", "unreadable (.mxl)") from error
