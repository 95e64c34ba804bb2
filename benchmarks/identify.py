"""Whether `identify` names the corpus that a song is from: two counts of docs/music.md.

    python benchmarks/identify.py

Reads the first eight test songs of each corpus with all shipped models, in a few minutes, and prints of how many of
them the model of their own corpus gives the highest likelihood, with and without the charge for frames that a model
does not read.
"""

from __future__ import annotations

import torch

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.models.checkpoint import shipped_names

SONGS = 8  # of each corpus


def main() -> None:
    """Count, and print."""
    torch.set_num_threads(1)
    songs = [(name, song) for name in shipped_names() for song in load_corpus(name).test[:SONGS]]
    charged = free = 0
    for name, song in songs:
        found = api.identify(song, device="cpu").fits
        charged += found[0].checkpoint.name == name
        free += min(found, key=lambda fit: fit.nats / fit.quarters).checkpoint.name == name
    print(f"of {len(songs)} songs {charged} are likeliest under their own model; {free} without the charge")


if __name__ == "__main__":
    main()
