"""An index of songs: the places in them whose past equals the present end of another song; exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lmn_music.models.tied.lines import line, lowest_key, moved
from lmn_music.models.tied.matches import PLACES, signed

DEPTH = 32  # frames of a common past that are compared
NEAR = 2 * PLACES  # places on either side, in the order of their pasts, that are compared
_STEPS = 256  # more than the number of intervals on a keyboard
_MOVED = 1  # the kind whose frames may be moved by some semitones

Numbers = NDArray[np.int64]


class SongIndex:
    """All places of some songs, in the order of the frames before them, the latest of these frames first.

    The places with the longest common past stand next to each other in this order. So one binary search finds them, in
    a time that grows with the logarithm of the number of frames. A frame is compared as a number in a vocabulary of all
    frames, not as a hash: no two different frames are taken for each other. Each kind of place (see
    `lmn_music.models.tied.matches`) has an order of its own.

    Args:
        songs: at least one, each (time, keys) of zeros and ones. A frame of silence precedes each song.
    """

    def __init__(self, songs: Sequence[Tensor]) -> None:
        whole = [torch.cat([torch.zeros_like(song[:1]), song]).cpu() for song in songs]
        self._orders = [_order(kind, view, [len(song) for song in whole]) for kind, view in _views(torch.cat(whole))]

    def follow(self, whole: Tensor, time: int) -> Tensor:
        """Return what followed the places that match the end of a song, after each of its last frames.

        Args:
            whole: (batch, past + time, keys) of zeros and ones, songs up to now.
            time: how many of the frames are new.

        Returns:
            (time, batch, keys, kinds * PLACES), see `lmn_music.models.tied.matches.signed`.
        """
        songs = whole.cpu()
        found = [
            torch.stack([_search(order, kind, view, time) for view in views], dim=1)
            for order, (kind, views) in zip(self._orders, _views(songs), strict=True)
        ]
        return torch.cat(found, dim=-1).to(whole)


class _Order(NamedTuple):
    """The places of one kind in order.

    Attributes:
        vocabulary: all different frames, packed, in order.
        pasts: (places, DEPTH) as bytes, in order.
        frames: (places, keys), what followed.
        lowest: (places,), the lowest key of the last frame before that sounds.
    """

    vocabulary: NDArray[np.bytes_]
    pasts: NDArray[np.bytes_]
    frames: Tensor
    lowest: Numbers


def _views(frames: Tensor) -> list[tuple[int, Tensor]]:
    return list(enumerate([frames, frames, line(frames, top=True), line(frames, top=False)]))


def _order(kind: int, frames: Tensor, lengths: Sequence[int]) -> _Order:
    compared = moved(frames, -lowest_key(frames))[0] if kind == _MOVED else frames
    packed = _packed(compared)
    vocabulary = np.unique(packed)
    pasts, lowest = [], []
    for song, name in zip(frames.split(list(lengths)), np.split(packed, np.cumsum(lengths)[:-1]), strict=True):
        low = _carried(song)
        pasts.append(_pasts(_symbols(name, vocabulary), low if kind == _MOVED else None)[:-1])
        lowest.append(np.append(0, low)[:-1])
    rows = _as_bytes(np.concatenate(pasts))
    order = np.argsort(rows, kind="stable")
    return _Order(vocabulary, rows[order], frames[order], np.concatenate(lowest)[order])


def _search(order: _Order, kind: int, song: Tensor, time: int) -> Tensor:
    """Return what followed the places that match the end of a song (past + time, keys), (time, keys, PLACES)."""
    compared = moved(song, -lowest_key(song))[0] if kind == _MOVED else song
    recent = compared[-(time + DEPTH) :]
    low = _carried(song)
    symbols = _symbols(_packed(recent), order.vocabulary)
    pasts = _pasts(symbols, low[-len(recent) :] if kind == _MOVED else None)[-time:]
    near = np.searchsorted(order.pasts, _as_bytes(pasts))[:, None] + np.arange(-NEAR, NEAR)
    inside = (near >= 0) & (near < len(order.pasts))
    near = near.clip(0, len(order.pasts) - 1)
    known = order.pasts[near].view(">u4").reshape(*near.shape, DEPTH)
    run = np.cumprod((known == pasts[:, None]) & (known > 0), axis=2, dtype=np.int8).sum(axis=2) * inside
    interval = low[-time:, None] - order.lowest[near]
    if kind == _MOVED:
        run = run * (interval != 0)
    best = np.argsort(-run, axis=1, kind="stable")[:, :PLACES]
    run, place = torch.from_numpy(np.take_along_axis(run, best, axis=1)), np.take_along_axis(near, best, axis=1)
    frames = order.frames[torch.from_numpy(place)]
    if kind == _MOVED:
        frames, lost = moved(frames, torch.from_numpy(np.take_along_axis(interval, best, axis=1)))
        run = run * ~lost
    return signed(frames, run.to(frames))


def _packed(frames: Tensor) -> NDArray[np.bytes_]:
    """Return each frame as bytes of a fixed length."""
    bits = np.packbits(frames.numpy().astype(bool), axis=1)
    # Bytes that end in zeros compare as shorter ones, so the last byte is none.
    whole = np.concatenate([bits, np.ones_like(bits[:, :1])], axis=1)
    return whole.view(f"S{whole.shape[1]}").ravel()


def _symbols(packed: NDArray[np.bytes_], vocabulary: NDArray[np.bytes_]) -> Numbers:
    """Return the number of each frame in the vocabulary, from 1 on; 0 if it is not in it."""
    place = np.searchsorted(vocabulary, packed).clip(max=len(vocabulary) - 1)
    return np.where(vocabulary[place] == packed, place + 1, 0)


def _carried(song: Tensor) -> Numbers:
    """Return for each frame the lowest key of the last frame up to it that sounds; 0 if none has sounded."""
    sounds = song.any(dim=1).numpy()
    last = np.maximum.accumulate(np.where(sounds, np.arange(len(sounds)), -1))
    return np.where(last < 0, 0, lowest_key(song).numpy()[last])


def _pasts(symbols: Numbers, lowest: Numbers | None) -> Numbers:
    """Return the DEPTH frames before each place, the latest first.

    Args:
        symbols: (time,), a number for each frame; 0 for one that equals no other.
        lowest: (time,), where a past may be moved: a frame is then told by its symbol and its interval to the next one.

    Returns:
        (time + 1, DEPTH), also for the place after the last frame; 0 where there is no frame.
    """
    told = symbols
    if lowest is not None:
        step = np.diff(lowest, append=lowest[-1:])
        told = np.where(symbols > 0, symbols * _STEPS + step + _STEPS // 2, 0)
    padded = np.concatenate([np.zeros(DEPTH, dtype=np.int64), told])
    pasts: Numbers = np.lib.stride_tricks.sliding_window_view(padded, DEPTH)[:, ::-1].copy()
    if lowest is not None:  # the interval to the next frame is not known yet
        pasts[1:, 0] = symbols
    return pasts


def _as_bytes(pasts: Numbers) -> NDArray[np.bytes_]:
    """Return the rows as bytes whose order is the order of the rows."""
    return np.ascontiguousarray(pasts.astype(">u4")).view(f"S{4 * DEPTH}").ravel()
