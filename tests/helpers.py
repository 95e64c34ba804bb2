"""What tests make and find: songs made up here, the folder of the benchmark files, the tags of a page."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from lmn_music.music.pianoroll import KEYS, PianoRoll

VOID = {"meta", "br", "img"}
BENCHMARK_FILES = ("JSB_Chorales.mat", "Nottingham.mat", "MuseData.mat", "Piano_midi.mat")


def find_benchmark_folder() -> Path | None:
    """Return the folder that holds the four benchmark files, or None."""
    candidates = [Path(os.environ["LMN_MUSIC_DATA"])] if os.environ.get("LMN_MUSIC_DATA") else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared" / "corpora")
    for folder in candidates:
        if all((folder / name).is_file() for name in BENCHMARK_FILES):
            return folder.resolve()
    return None


def make_roll(length: int, seed: int = 0, *, frames_per_quarter: int = 1) -> PianoRoll:
    """Return a song of four wandering voices, as learnable as music is."""
    generator = np.random.default_rng(seed)
    frames = np.zeros((length, KEYS), dtype=bool)
    for start in (27, 34, 41, 48):
        walk = start + np.cumsum(generator.integers(-1, 2, size=length))
        frames[np.arange(length), np.clip(walk, 0, KEYS - 1)] = True
    return PianoRoll(frames, frames_per_quarter, f"song {seed}")


class Page(HTMLParser):
    """Collects the tags and what is in them; every tag must be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], {}
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let the system refuse to write files of more than `size` bytes, as a full disk or a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
