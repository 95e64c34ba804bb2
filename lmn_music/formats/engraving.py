"""Engraved scores (.score.svg, .score.png): verovio sets the MusicXML of a piece, resvg makes a picture of it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from lmn_music.errors import RenderingError
from lmn_music.files import replacing
from lmn_music.formats.musicxml_writer import check_musicxml, to_musicxml
from lmn_music.music.piece import Piece
from lmn_music.music.sheet import write_out

PAGE_WIDTH = 2100  # tenths of a millimetre, as A4 paper
TALLEST = 60_000  # of a page, in the same unit; verovio knows no taller ones
SCALE = 40  # per cent
ZOOM = 2.0  # of the picture
_SVG = "http://www.w3.org/2000/svg"
# Signs that only a font of music has, and the like of them that other fonts have too.
_SIGNS = str.maketrans({"\ueca5": "\u2669", "\ueca7": "\u266a", "\uecb7": "."})
_NOTES = "\u2669\u266a"
RAISED = 330  # how much higher than verovio does a tempo is written, in its unit: clear of beams in the next bar
_MUSIC_FONTS = ("Leipzig", "Bravura")
_PLACE = ("x", "y", "text-anchor")
_STYLE = ("font-family", "font-size", "font-style", "font-weight")
_MISSING = "an engraved score needs verovio and resvg: install them with `pip install 'lmn-music[score]'`"


def check_score(frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise an error as `check_musicxml` does, and RenderingError if verovio or resvg is not installed."""
    check_musicxml(frames, frames_per_quarter, tempo=tempo)
    if not all(map(find_spec, ("verovio", "resvg_py"))):
        raise RenderingError(_MISSING)


def write_score(piece: Piece, path: Path) -> None:
    """Write the engraved score of a piece, as one page of any height.

    Args:
        piece: the piece.
        path: the file to write, a picture (.png) or a drawing (.svg).

    Raises:
        RenderingError: verovio or resvg is not installed, or the score is too long.
        LmnMusicError: the file cannot be written.
    """
    drawing = engrave(piece)
    content = drawing.encode() if Path(path).suffix.lower() == ".svg" else _picture(drawing)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def engrave(piece: Piece) -> str:
    """Return the engraved score of a piece as SVG. The same piece gives the same drawing.

    Args:
        piece: the piece.

    Raises:
        RenderingError: verovio is not installed, or the score is too long.
    """
    try:
        import verovio
    except ImportError:
        raise RenderingError(_MISSING) from None
    verovio.enableLog(verovio.LOG_OFF)
    verovio.setDefaultResourcePath(str(Path(verovio.__file__).with_name("data")))  # which each thread has for itself
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "adjustPageHeight": True,
            "breaks": "auto",
            "footer": "none",
            "pageHeight": TALLEST,
            "pageWidth": PAGE_WIDTH,
            "scale": SCALE,
            "smuflTextFont": "none",
            "xmlIdSeed": 1,
        }
    )
    if not toolkit.loadData(to_musicxml(write_out(piece)).decode()):
        raise RenderingError("verovio cannot engrave the score: write it as .musicxml, and open it elsewhere")
    return _stacked([_plain(toolkit.renderToSVG(page + 1)) for page in range(toolkit.getPageCount())])


def _plain(drawing: str) -> ElementTree.Element:
    """Return a page whose text every program can show: of usual fonts, and each line of text in one element."""
    root = ElementTree.fromstring(drawing)  # noqa: S314 -- verovio has made it
    for line in root.iter(f"{{{_SVG}}}text"):
        pieces = list(_text(line, {}))
        place = {name: value for name, value in line.attrib.items() if name in _PLACE}
        for element in line.iter(f"{{{_SVG}}}tspan"):
            place |= {name: value for name, value in element.attrib.items() if name in _PLACE and name not in place}
        for child in list(line):
            line.remove(child)
        line.text = None
        line.attrib.update(place)
        if any(sign in text for _, text in pieces for sign in _NOTES):  # a tempo: no bold font has these signs
            pieces = [(style | {"font-weight": "normal"}, text) for style, text in pieces]
            line.set("y", str(int(line.get("y", "0")) - RAISED))
        for style, text in pieces:
            ElementTree.SubElement(line, f"{{{_SVG}}}tspan", style).text = text
    return root


def _text(element: ElementTree.Element, style: dict[str, str]) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the text of an element piece by piece, each with the style that it has."""
    style = style | {name: value for name, value in element.attrib.items() if name in _STYLE}
    music = style.get("font-family") in _MUSIC_FONTS
    if text := (element.text or "").strip("\n\t" if len(element) == 0 else None):
        plain = {name: value for name, value in style.items() if not (music and name == "font-family")}
        yield plain, "".join(text.split()).translate(_SIGNS) if music else text
    for child in element:
        if child.tag == f"{{{_SVG}}}tspan":
            yield from _text(child, style)


def _stacked(pages: list[ElementTree.Element]) -> str:
    """Return the pages below each other as one drawing."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = pages[0]
    if len(pages) > 1:
        sizes = [tuple(int(page.get(side, "0px").removesuffix("px")) for side in ("width", "height")) for page in pages]
        width, height = max(size[0] for size in sizes), sum(size[1] for size in sizes)
        root = ElementTree.Element(f"{{{_SVG}}}svg", width=f"{width}px", height=f"{height}px")
        top = 0
        for page, (_, tall) in zip(pages, sizes, strict=True):
            page.set("y", str(top))
            root.append(page)
            top += tall
    return ElementTree.tostring(root, encoding="unicode")


def _picture(drawing: str) -> bytes:
    """Return a drawing as PNG, on white."""
    import matplotlib

    try:
        import resvg_py
    except ImportError:
        raise RenderingError(_MISSING) from None
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # for machines without any font, as servers are
    fonts = [str(folder / f"STIXGeneral{style}.ttf") for style in ("", "Bol", "Italic", "BolIta")]
    try:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=drawing, background="white", zoom=ZOOM, font_files=fonts, serif_family="STIXGeneral"
            )
        )
    except ValueError as error:
        raise RenderingError("the score is too long for a picture: write it as .score.svg") from error
