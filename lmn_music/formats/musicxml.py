"""Reading MusicXML files: plain (.musicxml, .xml) and compressed (.mxl), partwise and timewise."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from xml.etree import ElementTree  # expat 2.4.1 and later, which Python 3.11 brings, stops entity bombs by itself

from lmn_music.errors import ScoreError
from lmn_music.formats.encodings import as_text, mended_xml
from lmn_music.formats.musicxml_parts import read_parts
from lmn_music.formats.played import play
from lmn_music.formats.registry import XML_BYTES
from lmn_music.music.piece import Piece

MAX_TAGS = 1_000_000  # more than the fullest real score of that size has; each takes a tenth of a kilobyte
_TEXT = (".xml", ".musicxml")


def read_musicxml(data: bytes, title: str, *, as_written: bool = False) -> Piece:
    """Return the piece in a MusicXML file, plain or compressed, whatever its name says.

    Each voice of each staff is a part. The notes of transposing instruments get the pitch at which they sound. Tied
    notes are one note; chord symbols, grace notes and cue notes are left out. Bars are the measures of the score, the
    same for all parts: where the parts disagree about the length of one, `WrittenBar.length` says which are right. A
    measure that is too short or too long for its time signature gets one of its own, and an implicit measure, such as
    the second half of a bar that a repeat sign divides, belongs to the bar before.

    Args:
        data: the content of the file.
        title: the title of the piece.
        as_written: whether each bar is played once; otherwise repeats, endings and jumps are played out.

    Raises:
        ScoreError: not a MusicXML file, a damaged or a too large one.
    """
    return play(read_parts(parse_score(data)), title, as_written=as_written)


def parse_score(data: bytes) -> ElementTree.Element:
    """Return the root of the score in a MusicXML file, plain or compressed; ScoreError unless there is one."""
    if data.startswith(b"PK"):
        data = _unpack(data)
    if len(data) > XML_BYTES:
        raise ScoreError(
            f"the score has more than {XML_BYTES} bytes of XML: split the piece", "too long (bytes of XML)"
        )
    if b"<!ENTITY" in data.replace(b"\0", b""):  # in UTF-16 every second byte is one
        raise ScoreError("the score has XML entities of its own: export it anew", "unreadable (XML entities)")
    if data.count(b"<") > MAX_TAGS:
        raise ScoreError(f"the score has more than {MAX_TAGS} tags of XML: split the piece", "too long (tags of XML)")
    try:
        root = _root(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that is none
        raise ScoreError("not well-formed XML: export the score anew", "unreadable (not well-formed XML)") from error
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    if root.tag not in ("score-partwise", "score-timewise"):
        raise ScoreError(
            f"the file holds <{root.tag[:40]}>, not <score-partwise>: export the score as MusicXML",
            "unreadable (not a MusicXML score)",
        )
    return root


def _root(data: bytes) -> ElementTree.Element:
    """Return the root of XML, also of some that is not well-formed for letters on which no note depends."""
    try:
        return ElementTree.fromstring(data)  # noqa: S314 -- see the import
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        mended, fault = mended_xml(data), error
    if "<!ENTITY" in mended:  # where a control character stood in the midst of the word
        raise fault
    return ElementTree.fromstring(mended)  # noqa: S314


def _unpack(data: bytes) -> bytes:
    """Return the score inside a .mxl archive: the file that META-INF/container.xml names first, else the first .xml."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: entry for entry in archive.infolist() for name in _names(entry)}
            names = [name for name in members if not name.startswith("META-INF/")]
            if "META-INF/container.xml" in members:
                with archive.open("META-INF/container.xml") as file:
                    container = ElementTree.fromstring(file.read(100_000))  # noqa: S314 -- see the import
                names = [root.get("full-path", "") for root in container.iter("rootfile")] + names
            name = next(name for name in names if name.lower().endswith(_TEXT) and name in members)
            with archive.open(members[name]) as file:
                return file.read(XML_BYTES + 1)  # and not a byte more, whatever a zip bomb would unpack to
    except Exception as error:  # zipfile and zlib each have errors of their own for damaged data
        raise ScoreError("not a compressed MusicXML file: export it anew", "unreadable (.mxl)") from error


def _names(entry: zipfile.ZipInfo) -> Iterator[str]:
    """Yield the names that a member of an archive may have; none if it needs another method than those of .mxl."""
    if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield entry.filename
        with suppress(UnicodeError):  # a name in an encoding that no flag speaks of, as older programs write it
            yield as_text(entry.filename.encode("cp437"))
