"""Reading a thousand MIDI files, beside symusic, which is the fastest reader, and pretty_midi."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pretty_midi
import symusic
from measure import in_turn, median, ratio, store

from lmn_music.corpora import load_corpus
from lmn_music.formats import read_piece, read_score, write_roll
from lmn_music.formats.midi_events import read_events
from lmn_music.music.pianoroll import PianoRoll

FILES = 1000


def write_tunes(folder: Path) -> None:
    """Write a thousand tunes: pieces of 200 frames of Nottingham and MuseData, no two of them the same."""
    different: dict[bytes, PianoRoll] = {}
    for roll in (*load_corpus("nottingham").train, *load_corpus("muse").train):
        pieces = [roll[start : start + 200] for start in range(0, len(roll) - 100, 200)]
        different |= {piece.frames.tobytes(): piece for piece in pieces}
    found = list(different.values())
    for number, piece in enumerate(found[:: len(found) // FILES][:FILES]):
        write_roll(piece, folder / f"{number:04d}.mid")


def main() -> None:
    """Read the same files in every way, in turn."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_tunes(folder)
        paths = sorted(folder.iterdir())
        corpus = load_corpus(folder)
        if sum(corpus.songs) != FILES:
            raise SystemExit(f"files were left out: {corpus.left_out}")

        def each(read: Callable[[Path], object]) -> Callable[[], None]:
            def read_all() -> None:
                for path in paths:
                    read(path)

            return read_all

        ways = {
            "lmn-music, a folder as a corpus": lambda: load_corpus(folder),
            "lmn-music, piano-rolls": each(read_score),
            "lmn-music, pieces": each(read_piece),
            "lmn-music, events": each(lambda path: read_events(path.read_bytes())),
            "symusic": each(lambda path: symusic.Score(path)),
            "pretty_midi": each(lambda path: pretty_midi.PrettyMIDI(str(path))),
        }
        times = in_turn(ways, seconds=1, least=3, clock=time.process_time)
    store(
        "reading",
        {way: {"processor time, s": median(times[way]), "/ symusic": ratio(times, way, "symusic")} for way in ways},
    )


if __name__ == "__main__":
    main()
