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
            evidence: (..., evidence_size), see `evidence_of`.
            hidden: (..., width).

        Returns:
            (...), in nats.
        """
        units = torch.relu(self.first(torch.cat([evidence, hidden], dim=-1)))
        units = self.dropout(units + torch.relu(self.second(units)))
        added: Tensor = (self.last(units) + self.direct(evidence)).squeeze(-1)
        return added


@torch.no_grad()
def orders_of(places: Tensor) -> Tensor:
    """Return which places each order counts, those with a common past that is long enough: zeros and ones.

    Args:
        places: (..., keys, places), see `lmn_music.models.tied.matches.signed`.

    Returns:
        (..., sources, KINDS, PLACES, orders), the same for all keys.
    """
    run = _by_kind(places[..., :1, :]).abs().transpose(-2, -1)
    return torch.cat([run >= order for order in ORDERS], dim=-1).to(places)


@torch.no_grad()
def evidence_of(places: Tensor, counted: Tensor, passed: Tensor, common: Tensor, below: Tensor) -> Tensor:
    """Return the logarithms of the counts of the copy experts.

    Args:
        places: (..., keys, places), see `lmn_music.models.tied.matches.signed`.
        counted: which of them each order counts, see `orders_of`.
        passed: (..., keys, places), how many keys below sounded in what followed each place.
        common: the same, how many of them also sound in the present frame; broadcastable.
        below: (..., keys), how many keys below sound in the present frame; broadcastable.

    Returns:
        (..., keys, sources * KINDS * orders * 3): the log-odds of the key among the places that agree, and the
        logarithms of 1 + their number and of 1 + the number of the other places.
    """
    agrees = (passed == common) & (common == below.unsqueeze(-1))
    agrees, passed, places = (_by_kind(numbers) for numbers in (agrees, passed, places))  # (..., keys, PLACES)
    agrees[..., TOP, :, :] = passed[..., TOP, :, :] == 0
    agrees[..., BOTTOM, :, :] = (passed[..., BOTTOM, :, :] == 0) & (below == 0)[..., None, :, None]
    agree, sound = (_numbers(which, counted) for which in (agrees, agrees & (places > 0)))
    others = counted.sum(dim=-2, keepdim=True) - agree
    facts = [torch.log((sound + SMALL) / (agree - sound + SMALL)), torch.log1p(agree), torch.log1p(others)]
    evidence: Tensor = torch.stack(facts, dim=-1).movedim(-3, -5).flatten(-4)
    return evidence


def _numbers(which: Tensor, counted: Tensor) -> Tensor:
    """Return how many of some places (..., keys, PLACES) each order counts, (..., keys, orders)."""
    which = which.to(counted)
    if len(counted) == len(which):
        return which @ counted
    candidates = which.movedim(0, -2)  # their places are the same: one product for all of them
    numbers: Tensor = (candidates.flatten(-3, -2) @ counted[0]).unflatten(-2, candidates.shape[-3:-1]).movedim(-2, 0)
    return numbers


def _by_kind(numbers: Tensor) -> Tensor:
    """Return numbers (..., keys, places) as (..., sources, KINDS, keys, PLACES)."""
    by_kind: Tensor = numbers.unflatten(-1, (-1, KINDS, PLACES)).movedim(-4, -2)
    return by_kind
