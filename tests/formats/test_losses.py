"""What a file cannot say of a piece is told; what it can say comes back."""

import logging
from fractions import Fraction
from pathlib import Path

import pytest

from lmn_music import read_piece, write_piece
from lmn_music.formats import FORMATS
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import Piece
from tests.formats.helpers import waltz

WRITTEN = [suffix for suffix, entry in FORMATS.items() if entry.write]
SCORES = [".musicxml", ".abc", ".score.svg", ".score.png"]
FRAMES = [".npz", ".png", ".svg"]


def band() -> Piece:
    """A note below the keyboard, one that no usual value can say, one that can be said, and a drum."""
    low, odd, plain = (
        Note(12, Fraction(0), Fraction(1)),
        Note(60, Fraction(1, 7), Fraction(1)),
        Note(64, Fraction(1), Fraction(2)),
    )
    return Piece((Part((low, odd, plain)), Part((Note(36, Fraction(0), Fraction(1)),), drums=True)))


@pytest.mark.parametrize("suffix", WRITTEN)
def test_what_is_left_out_is_told(suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / f"song{suffix}"
    with caplog.at_level(logging.WARNING):
        write_piece(band(), path)
    expected = dict.fromkeys(SCORES, "drums, the exact times of 1 note")
    expected |= dict.fromkeys(FRAMES, "drums, 1 note outside A0 to C8, the exact times of 1 note")
    lost = expected.get(suffix)
    assert [record.getMessage() for record in caplog.records] == ([f"{path}: left out {lost}"] if lost else [])


@pytest.mark.parametrize("suffix", WRITTEN)
def test_nothing_is_told_where_nothing_is_lost(suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_piece(waltz(), tmp_path / f"song{suffix}")
    assert not caplog.records


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITTEN if FORMATS[suffix].read])
def test_the_roll_comes_back_from_every_format_that_is_read(suffix: str, tmp_path: Path) -> None:
    piece = waltz()
    write_piece(piece, tmp_path / f"song{suffix}")
    back = read_piece(tmp_path / f"song{suffix}")
    assert back.roll(12) == piece.roll(12)
    if suffix != ".npz":
        assert (back.metres, back.pickup, back.key_signatures) == (piece.metres, piece.pickup, piece.key_signatures)
        assert {part.notes for part in back.parts} >= {part.notes for part in piece.parts[:1]}


def test_the_page_names_every_format() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text()
    written = page.partition("\n## Written\n")[2].partition("\n## ")[0]
    rows = [line for line in written.splitlines() if line.startswith("| `.")]
    assert {name.strip("` ") for row in rows for name in row.split("|")[1].split(",")} == set(WRITTEN)
    assert not [suffix for suffix, entry in FORMATS.items() if entry.read and f"`{suffix}`" not in page]
