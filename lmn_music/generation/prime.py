"""What a song begins with."""

from __future__ import annotations

import torch
from torch import Tensor

from lmn_music.models.interface import SequenceModel, State


@torch.no_grad()
def read_prime(model: SequenceModel, prime: Tensor | None, songs: int, *, free: bool) -> State:
    """Return the state of several songs from which frames are drawn after their common beginning.

    Args:
        model: what reads the beginning.
        prime: (time, 88) of zeros and ones; None for songs that have not begun.
        songs: how many songs will follow.
        free: nothing will be given of them; see `State.drawing`.
    """
    state = model.initial_state(1)
    if not free:
        state = state.drawing(free=False)
    if prime is not None and len(prime):
        state = model.read(prime.to(state.previous).unsqueeze(1), state)
    return state.drawing(free=free).select(torch.zeros(songs, dtype=torch.long, device=state.previous.device))
