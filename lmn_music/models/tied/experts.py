"""Copy experts: what followed the places that match the song's end, as evidence for each key."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.tied.matches import KINDS, PLACES

ORDERS = (1, 2, 4, 8, 16, 32)  # lengths of the common past; each is an n-gram model of its own
FACTS = 3
TOP, BOTTOM = 2, 3  # kinds of places
SMALL = 0.1  # of a count of zero


class CopyExperts(nn.Module):
    """Corrects the log-odds of each key by n-gram models that count as they read.

    The places that match the song's end, each with what followed there, are an n-gram model of frames: of order n are
    the places with a common past of at least n frames. From the lowest key up, a place drops out as soon as a key below
    contradicts what followed there. So for each key and each order there are the places that agree so far, and the ones
    among them where the key sounded: counts of p(key | keys below, last n frames). Of a place whose line alone matches,
    the highest or the lowest key is known, and it drops out where this key is passed.

    A small network reads the logarithms of the counts and the hidden layer of the NADE, and adds to the log-odds. Its
    weights are zero at first.

    Args:
        width: the size of the NADE's hidden layer.
        size: the units of each of the network's two layers.
        sources: 1, the song so far; 2, also songs at hand.
        generator: where the weights are drawn from; torch's global random numbers if not given.
    """

    def __init__(self, width: int, size: int, sources: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.evidence_size = sources * KINDS * len(ORDERS) * FACTS
        self.first = nn.Linear(self.evidence_size + width, size)
        self.second = nn.Linear(size, size)
        self.last = nn.Linear(size, 1)
        self.direct = nn.Linear(self.evidence_size, 1, bias=False)
        self.dropout = nn.Dropout(0.2)
        for linear in (self.first, self.second):
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            nn.init.zeros_(linear.bias)
        for weight in (self.last.weight, self.last.bias, self.direct.weight):
            nn.init.zeros_(weight)

    def forward(self, evidence: Tensor, hidden: Tensor) -> Tensor:
        """Return what is added to the log-odds.

        Args:
            evidence: (..., evidence_size), see `Followed.evidence`.
            hidden: (..., width).

        Returns:
            (...), in nats.
        """
        units = torch.relu(self.first(torch.cat([evidence, hidden], dim=-1)))
        units = self.dropout(units + torch.relu(self.second(units)))
        added: Tensor = (self.last(units) + self.direct(evidence)).squeeze(-1)
        return added


class Followed:
    """What followed the places that match the song's end, ready to be counted.

    Kinds are the KINDS of places of each source. Of a line only the key is known: a place of a top line agrees until
    this key is passed, whatever sounds below, and one of a bottom line as long as nothing sounds below either. So it is
    counted as if its own key never sounded.

    Args:
        places: (..., keys, places), see `lmn_music.models.tied.matches.signed`.

    Attributes:
        sounds: (..., kinds, keys, PLACES), whether the key sounds in what followed.
        known: the same, but False for lines.
        passed: the same, how many of the keys below sound in what followed.
        counted: (..., kinds, PLACES, orders), whether the common past is long enough for each order.
        asked: (kinds, 1, 1), 0 for top lines, which may have anything below them; else 1.

    A place agrees with a frame up to a key if `passed` equals the number of keys below that sound in both and are
    `known`, and this number equals `asked` times the number of keys below that sound in the frame.
    """

    def __init__(self, places: Tensor) -> None:
        numbers = places.unflatten(-1, (-1, PLACES)).movedim(-2, -3)
        self.sounds = numbers > 0
        kind = torch.arange(numbers.shape[-3], device=places.device).view(-1, 1, 1) % KINDS
        self.known = self.sounds & (kind < TOP)
        self.asked = (kind != TOP).to(torch.uint8)
        self.passed = sum_below(self.sounds)
        run = numbers[..., :1, :].abs().transpose(-2, -1)  # the same for all keys
        self.counted = torch.cat([run >= order for order in ORDERS], dim=-1).to(places)

    def evidence(self, frames: Tensor) -> Tensor:
        """Return the logarithms of the counts of the copy experts, for whole frames.

        Args:
            frames: (..., keys) of zeros and ones, the present frames.

        Returns:
            (..., keys, sources * KINDS * orders * 3): the log-odds of the key among the places that agree, and the
            logarithms of 1 + their number and of 1 + the number of the other places.
        """
        present = (frames > 0)[..., None, :, None]
        common = sum_below(self.known & present)
        agrees = (self.passed == common) & (common == sum_below(present) * self.asked)
        return facts_of(agrees, agrees & self.sounds, self.counted).movedim(-4, -3).flatten(-3)


def facts_of(agrees: Tensor, sound: Tensor, counted: Tensor) -> Tensor:
    """Return what the copy experts read of some places.

    Args:
        agrees: (..., kinds, keys, PLACES), which places agree so far.
        sound: the same, in which of these the key sounds.
        counted: (..., kinds, PLACES, orders), see `Followed`.

    Returns:
        (..., kinds, keys, orders, 3).
    """
    agree, sounding = (torch.cat([agrees, sound], dim=-2).to(counted) @ counted).chunk(2, dim=-2)
    others = counted.sum(dim=-2, keepdim=True) - agree
    odds = torch.log((sounding + SMALL) / (agree - sounding + SMALL))
    return torch.stack([odds, torch.log1p(agree), torch.log1p(others)], dim=-1)


def sum_below(sounds: Tensor) -> Tensor:
    """Return for each key, the last axis but one, on how many of the keys below it `sounds` is true, up to 255."""
    return sounds.cumsum(dim=-2, dtype=torch.uint8) - sounds.to(torch.uint8)
