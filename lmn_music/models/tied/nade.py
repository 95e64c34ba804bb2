"""Keys in order of pitch, each given the keys below it, with the same weights for every key."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lmn_music.models.outputs.output import Autoregressive, Draft
from lmn_music.models.tied.experts import CopyExperts, Followed, facts_of
from lmn_music.models.tied.matches import KINDS, PLACES
from lmn_music.models.tied.surroundings import around

BELOW, CHANGES, COUNT = 36, 24, 16


class TiedNADE(Autoregressive):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context of the key, keys below).

    A context is (..., keys, context_size): for each key what enters its hidden layer from the past, whether it sounded
    in the frame before, and with `copies` what followed each place that matches the song's end, in the song so far and,
    if there are any, in songs at hand. A key reads three things of the keys below it in the present frame: which of the
    36 nearest sound, how the 24 nearest changed, and how many sound in all. Weights depend on distances only, so any
    keyboard will do.

        r = relu(context + W below + e(count)),   r' = r + relu(V r + c),   logit = w r' + b + experts(evidence, r')

    Args:
        hidden_size: the rectified units of each key.
        dropout: the share of these units that is left out in training.
        copies: the units of each layer of the copy experts, see `CopyExperts`; 0 for none.
        generator: where the weights are drawn from; torch's global random numbers if not given.

    Attributes:
        experts: the copy experts of the song alone, and of the song and songs at hand; empty without `copies`.

    Source: NADE, Larochelle and Murray 2011; tied over keys after Johnson 2017.
    """

    def __init__(
        self,
        hidden_size: int,
        dropout: float = 0.0,
        copies: int = 0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.context_size = hidden_size + 1 + (KINDS * PLACES if copies else 0)
        self.below = nn.Linear(BELOW + CHANGES, hidden_size, bias=False)
        self.count = nn.Embedding(COUNT, hidden_size)
        self.inner = nn.Linear(hidden_size, hidden_size)
        self.logit = nn.Linear(hidden_size, 1)
        self.dropout = nn.Dropout(dropout)
        for linear in (self.below, self.inner, self.logit):
            nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(self.inner.bias)
        nn.init.constant_(self.logit.bias, -3.0)  # few keys sound at a time
        nn.init.zeros_(self.count.weight)
        sources = (1, 2) if copies else ()
        self.experts = nn.ModuleList(CopyExperts(hidden_size, copies, number, generator) for number in sources)

    def key_logits(self, context: Tensor, below: Tensor, count: Tensor, evidence: Tensor | None) -> Tensor:
        """Return the log-odds of keys to sound.

        Args:
            context: (..., hidden_size), what enters from the past.
            below: (..., BELOW + CHANGES), which of the nearest keys below sound, and how they changed.
            count: (...), how many keys below sound.
            evidence: (..., evidence_size) of the copy experts; None without them.

        Returns:
            (...), in nats.
        """
        hidden = self.hidden(context, below, count)
        logits: Tensor = self.logit(hidden).squeeze(-1)
        return logits if evidence is None else logits + self.correction(evidence, hidden)

    def correction(self, evidence: Tensor, hidden: Tensor) -> Tensor:
        """Return what the copy experts that read this evidence add to the log-odds, see `CopyExperts.forward`."""
        experts = next(each for each in self.experts if each.evidence_size == evidence.shape[-1])
        added: Tensor = experts(evidence, hidden)
        return added

    def hidden(self, context: Tensor, below: Tensor, count: Tensor) -> Tensor:
        """Return the hidden layer r', (..., hidden_size); see `key_logits`."""
        r = torch.relu(context + self.below(below) + self.count(count.clamp(max=COUNT - 1).long()))
        if self.training and self.dropout.p:  # the same units throughout the chunk: as good, and faster
            r = r * self.dropout(torch.ones_like(r[0]))
        return r + torch.relu(self.inner(r))

    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """See Output."""
        return self.key_logits(*self.read(frames, context))

    def read(self, frames: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return what `key_logits` reads of whole frames.

        Args:
            frames: (..., keys) of zeros and ones.
            context: what the distribution of each frame depends on.
        """
        past, before, places = self.parts(context)
        change = frames - before
        below = torch.cat([around(frames, BELOW, 0), around(change, CHANGES, 0)], dim=-1)
        count = frames.cumsum(dim=-1) - frames
        if not places.shape[-1]:
            return past, below, count, None
        return past, below, count, Followed(places).evidence(frames)

    def parts(self, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what enters the hidden layer, which keys sounded in the frame before, and the places; see above."""
        size = self.hidden_size
        return context[..., :size], context[..., size], context[..., size + 1 :]

    def begin(self, context: Tensor) -> Draft:
        """See Autoregressive."""
        return _Draft(self, context)


class _Draft(Draft):
    """Frames that are being drawn. Candidates, which are frames of one context, share what followed the places.

    Attributes:
        followed: of each context; None without copy experts.
        common: (contexts, kinds, candidates, 1, PLACES), how many keys that are drawn also sound there, see `Followed`.
    """

    def __init__(self, nade: TiedNADE, context: Tensor) -> None:
        self.nade = nade
        *batch, _, _ = context.shape
        shared = math.prod(batch[:1]) > 1 and context.stride(0) == 0
        self.candidates = batch[0] if shared else 1
        self.contexts = math.prod(batch) // self.candidates
        self.context, before, places = nade.parts(context)
        # With silence below the lowest key, as `around` has it. What is silent in the end has changed if it was not.
        self.sounding = nn.functional.pad(torch.zeros_like(before), (BELOW, 0))
        self.change = nn.functional.pad(-before, (CHANGES, 0))
        self.frames = self.sounding[..., BELOW:]
        self.count = context.new_zeros(*batch, 1)
        self.followed: Followed | None = None
        if places.shape[-1]:
            places = (places[0] if shared else places).reshape(self.contexts, *places.shape[-2:])
            self.followed = Followed(places)
            _, kinds, _, number = self.followed.known.shape
            self.common = self.followed.passed.new_zeros(self.contexts, kinds, self.candidates, 1, number)

    def logits(self, keys: slice) -> Tensor:
        windows = [
            padded[..., keys.start : keys.stop - 1 + width].unfold(-1, width, 1)
            for padded, width in ((self.sounding, BELOW), (self.change, CHANGES))
        ]
        evidence = None if self.followed is None else self._evidence(self.followed, keys)
        return self.nade.key_logits(self.context[..., keys, :], torch.cat(windows, dim=-1), self.count, evidence)

    def _evidence(self, followed: Followed, keys: slice) -> Tensor:
        passed, sounds = (numbers[:, :, keys].unsqueeze(2) for numbers in (followed.passed, followed.sounds))
        below = self._by_context(self.count.to(passed)).unsqueeze(-1) * followed.asked.unsqueeze(-1)
        agrees = (passed == self.common) & (self.common == below)
        facts = facts_of(agrees.flatten(2, 3), (agrees & sounds).flatten(2, 3), followed.counted)
        facts = facts.unflatten(2, (self.candidates, passed.shape[3])).permute(2, 0, 3, 1, 4, 5).flatten(3)
        evidence: Tensor = facts.reshape(*self.frames.shape[:-1], *facts.shape[2:])
        return evidence

    def add(self, key: Tensor, sounds: Tensor) -> None:
        value, place = sounds.to(self.count).unsqueeze(-1), key.unsqueeze(-1)
        self.sounding.scatter_add_(-1, place + BELOW, value)
        self.change.scatter_add_(-1, place + CHANGES, value)
        self.count = self.count + value
        if self.followed is not None:
            known = self.followed.known
            at_key = self._by_context(key).expand(-1, known.shape[1], -1, known.shape[-1])
            sounded = known.gather(2, at_key) & self._by_context(sounds)
            self.common = self.common + sounded.unsqueeze(3)

    def _by_context(self, numbers: Tensor) -> Tensor:
        """Return a number of each frame as (contexts, 1, candidates, 1)."""
        return numbers.reshape(self.candidates, self.contexts).t()[:, None, :, None]
