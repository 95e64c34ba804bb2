"""What every output model is: an exact distribution over frames that can be drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

KEYS_PER_PASS = 256  # keys that are drawn in one pass, over all frames
FREE = -1.0  # in `given`: the key is drawn


class Drawn(NamedTuple):
    """Frames that an output model has drawn; chances and weights are float32 at least, whatever the model computes in.

    Attributes:
        frames: (..., keys) of zeros and ones.
        chances: (..., keys), each key's chance to sound, given the keys below it in `frames`. Their mean over draws
            from one context estimates how likely the key is to sound whatever the keys below it do: the expectation is
            exact, the standard error over n draws at most 0.5 / sqrt(n), less than the error of counting notes, and
            there is none for the lowest key.
        log_weight: (...), in nats, the sum over the given keys of log p(given key | context, the keys below it); zeros
            where nothing was given. With it, draws under a constraint can be weighed: its exponential has the
            expectation p(given keys | context).
    """

    frames: Tensor
    chances: Tensor
    log_weight: Tensor


class Output(nn.Module, ABC):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context, the keys below it).

    Frames are zeros and ones, (..., keys). A context is (..., context_size), or (..., keys, context_size) if each key
    has its own; the leading axes are those of the frames.

    Attributes:
        context_size: the numbers of a context.
    """

    context_size: int

    @abstractmethod
    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-odds of each key to sound, given the keys below it.

        Args:
            frames: (..., keys) of zeros and ones.
            context: what the distribution of each frame depends on.

        Returns:
            (..., keys), in nats.
        """

    @abstractmethod
    def _draw(self, context: Tensor, generator: torch.Generator, given: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return frames, and the log-odds with which their keys were drawn, both (..., keys); see `draw`."""

    def draw(
        self,
        context: Tensor,
        *,
        generator: torch.Generator,
        given: Tensor | None = None,
    ) -> Drawn:
        """Draw a frame for each context; keys that are given stay as they are, and the others are drawn around them.

        A given key decides nothing about the keys below it, which are drawn before it: `log_weight` says what the
        draw is worth.

        Args:
            context: what the distribution of each frame depends on.
            generator: where the random numbers come from.
            given: (..., keys), 1 for a key that must sound, 0 for one that must be silent, FREE for one to draw;
                broadcastable to the frames. None: all keys are drawn.

        Returns:
            The frames, the chances of their keys and the log-weight of what was given.

        Raises:
            ValueError: `given` has another value.
        """
        if given is not None:
            given = given.to(context.device)
            if not ((given == 0) | (given == 1) | (given == FREE)).all():
                raise ValueError(f"a given key is 1 (sounds), 0 (is silent) or {FREE:g} (is drawn), and nothing else")
        frames, logits = self._draw(context, generator, given)
        chances = torch.sigmoid(logits)
        if given is None:
            return Drawn(frames, chances, logits.new_zeros(frames.shape[:-1]))
        return Drawn(frames, chances, _log_chance(frames, logits).masked_fill(given == FREE, 0.0).sum(dim=-1))

    def key_log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-likelihood of each key given the keys below it.

        Args:
            frames: (..., keys) of zeros and ones.
            context: what the distribution of each frame depends on.

        Returns:
            (..., keys) in nats, float32 at least.
        """
        return _log_chance(frames, at_least_float32(self.logits(frames, context)))

    def log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the exact log-likelihood of each frame.

        Args:
            frames: (..., keys) of zeros and ones.
            context: what the distribution of each frame depends on.

        Returns:
            (...) in nats, summed over the keys, float32 at least.
        """
        return self.key_log_prob(frames, context).sum(dim=-1)


def at_least_float32(numbers: Tensor) -> Tensor:
    """Return the numbers as float32, or as they are if they are more precise: in half precision sums are too coarse."""
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))


def _log_chance(frames: Tensor, logits: Tensor) -> Tensor:
    """Return the log-likelihood of each key, of the same shape, in nats."""
    return -nn.functional.binary_cross_entropy_with_logits(logits, frames.to(logits), reduction="none")


class Draft(ABC):
    """Frames whose keys are being drawn, from the lowest up.

    Attributes:
        frames: (..., keys) of zeros and ones; keys that are not drawn yet are silent.
    """

    frames: Tensor

    @abstractmethod
    def logits(self, keys: slice) -> Tensor:
        """Return the log-odds of some keys to sound, if none of them sounds and the keys below are as in `frames`.

        Args:
            keys: which keys, one or several in a row.

        Returns:
            (..., number of keys), in nats.
        """

    @abstractmethod
    def add(self, key: Tensor, sounds: Tensor) -> None:
        """Let one key of each frame sound, or leave it silent.

        Args:
            key: (...), the key of each frame.
            sounds: (...), whether it sounds.
        """


class Autoregressive(Output):
    """An output model in which keys depend on the keys below them, so that drawing takes several steps."""

    @abstractmethod
    def begin(self, context: Tensor) -> Draft:
        """Return frames of which nothing is drawn yet.

        Args:
            context: what the distribution of each frame depends on.

        Returns:
            One silent frame for each context.
        """

    def _draw(self, context: Tensor, generator: torch.Generator, given: Tensor | None) -> tuple[Tensor, Tensor]:
        """See Output.

        As drawn key by key, each with its own random number; but keys only depend on those that sound. So a block of
        keys is drawn as if none of it sounded, which holds up to the first that does; the keys above it are drawn
        again, knowing of it, with the same random numbers. For one frame the block is the keyboard, and there are as
        many passes as notes, and one; for many frames, which together have notes everywhere, it is a single key, or a
        run of keys that are given as silent in all of them.
        """
        draft = self.begin(context)
        *batch, keys = draft.frames.shape
        # In half precision, rare keys would sound too often.
        precision = torch.promote_types(context.dtype, torch.float32)
        uniform = torch.rand(keys, *batch, generator=generator, device=context.device, dtype=precision)
        silent = [False] * keys
        if given is not None:  # no chance is below -1, and none above 2: such keys sound, or are silent, for sure
            given = given.expand_as(draft.frames)
            uniform = torch.where(given.movedim(-1, 0) == FREE, uniform, 2.0 - 3.0 * given.movedim(-1, 0))
            silent = (given == 0).reshape(-1, keys).all(dim=0).tolist()
        logits = torch.empty_like(draft.frames, dtype=precision)
        size = KEYS_PER_PASS // max(1, math.prod(batch))
        if size <= 1:
            for run in _passes(silent):
                logits[..., run] = draft.logits(run)
                key = run.start
                if not silent[key]:
                    sounds = uniform[key] < torch.sigmoid(logits[..., key])
                    draft.add(torch.full(batch, key, device=context.device), sounds)
            return draft.frames, logits
        uniform = uniform.movedim(0, -1)
        for low in range(0, keys, size):
            block = slice(low, min(low + size, keys))
            number = torch.arange(low, block.stop, device=context.device)
            settled = torch.full(batch, low, device=context.device).unsqueeze(-1)  # the keys below it are
            while (settled < block.stop).any():
                new, still_open = draft.logits(block).to(precision), number >= settled
                logits[..., block] = torch.where(still_open, new, logits[..., block])
                sounds = (uniform[..., block] < torch.sigmoid(new)) & still_open
                lowest = torch.where(sounds, number, keys).amin(dim=-1, keepdim=True)
                draft.add(lowest.clamp(max=block.stop - 1).squeeze(-1), sounds.any(dim=-1))
                settled = lowest + 1
        return draft.frames, logits


def _passes(silent: list[bool]) -> Iterator[slice]:
    """Yield each run of keys that are silent for sure, and each other key by itself, from the lowest up."""
    low = 0
    for for_sure, run in groupby(silent):
        length = sum(1 for _ in run)
        step = length if for_sure else 1
        yield from (slice(start, start + step) for start in range(low, low + length, step))
        low += length
