"""Songs of which something is given: a particle filter draws the rest, and weighs by how likely what is given is.

Sources: Gordon, Salmond, Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state estimation", 1993; Douc,
Cappe, Moulines, "Comparison of resampling schemes for particle filtering", 2005; Lindsten, Jordan, Schoen, "Particle
Gibbs with ancestor sampling", 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lmn_music.generation.temperature import draw_frames
from lmn_music.generation.watching import FrameWatch
from lmn_music.models.interface import SequenceModel, State
from lmn_music.models.outputs.output import FREE, Drawn, Output

LOOKAHEAD = 4  # frames of the reference by which its ancestor is chosen

Potential = Callable[[int, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Particles:
    """Songs that a particle filter has drawn, and how much each counts.

    Attributes:
        frames: (time, particles, keys) of zeros and ones; each song is one particle with all its ancestors.
        weights: (particles,), the share of each, summing to 1.
        log_evidence: in nats, the log of an estimate without bias of p(what is given): of the product over frames of
            the chance of the given keys and of the potentials, in expectation over songs of the model.
        effective: (time,), the share of particles that counted when each frame was drawn, before resampling:
            1 / (particles * sum of squared weights).
    """

    frames: Tensor
    weights: Tensor
    log_evidence: float
    effective: Tensor

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return one song, (time, keys), drawn by its weight."""
        chosen = int(torch.multinomial(self.weights, 1, generator=generator))
        return self.frames[:, chosen]


@torch.no_grad()
def particle_filter(
    model: SequenceModel,
    state: State,
    given: Tensor,
    generator: torch.Generator,
    *,
    potential: Potential | None = None,
    temperature: float = 1.0,
    reference: Tensor | None = None,
    watch: FrameWatch | None = None,
) -> Particles:
    """Draw the keys that are not given, frame by frame, with as many particles as `state` has songs.

    Each particle draws its free keys from the model; its weight is multiplied by the chance of the given keys in this
    draw. Where few particles count (the effective sample size is below half), particles are drawn anew by their
    weights (systematic resampling; multinomial with a reference). A frame that is given whole weighs the particles and
    draws nothing, so what is given after a gap leads the particles to it.

    Args:
        model: in evaluation mode.
        state: the state before the first frame, of as many equal songs as there shall be particles.
        given: (time, keys), 1 for a key that must sound, 0 for a key that must be silent, FREE for a key to draw.
        generator: where the random numbers come from, on the model's device.
        potential: called with the number of a frame (from 0), this frame (particles, keys) and the frame before;
            returns a log-weight (particles,) by which the frame counts more or less, -inf for a frame that must not be.
        temperature: see `draw_frames`.
        reference: (time, keys), a song that has what is given, such as one drawn from an earlier filter. The first
            particle becomes this song; where particles are drawn anew, it gets an ancestor that suits its next frames.
            A song drawn from these particles is a new state of a Markov chain whose songs come as often as the songs of
            the model that have what is given (at temperature 1): each sweep brings the chain nearer to that.
        watch: called with each frame of the particle that counts most when it is drawn.

    Returns:
        The particles after the last frame. With a reference their log_evidence has a bias.

    Raises:
        ImpossibleError: no particle can have what is given.
    """
    count = state.previous.shape[0]
    log_weight = state.previous.new_zeros(count, dtype=torch.float64)
    frames, ancestors, effective = [], [], []
    log_evidence = 0.0
    for number, wanted in enumerate(given):
        context, state = model.step(state)
        drawn = draw_frames(
            model.output, context, state.previous, temperature=temperature, generator=generator, given=wanted
        )
        if reference is not None:
            drawn = _with_reference(model.output, drawn, context, reference[number], wanted)
        news = drawn.log_weight.double()
        if potential is not None:
            news = news + potential(number, drawn.frames, state.previous).double()
        before = torch.logsumexp(log_weight, dim=0)
        log_weight = log_weight + news
        total = torch.logsumexp(log_weight, dim=0)
        log_evidence += float(total - before)
        if not total.isfinite():
            raise ImpossibleError(number)
        share = (log_weight - total).exp()
        effective.append(1 / float(share.square().sum()) / count)
        state = state.saw(drawn.frames)
        frames.append(drawn.frames)
        if watch is not None:
            watch(number, drawn.frames[share.argmax()])
        if effective[-1] < 0.5:
            if reference is None:
                chosen = systematic(share, generator)
            else:  # each by itself, as the theory of conditional filters asks for
                chosen = torch.multinomial(share, count, replacement=True, generator=generator)
                chosen[0] = _ancestor(model, state, share, reference[number + 1 :][:LOOKAHEAD], generator)
            state, log_weight = state.select(chosen), torch.zeros_like(log_weight)
        else:
            chosen = torch.arange(count, device=share.device)
        ancestors.append(chosen)
    # From the last frame back, each particle's own ancestors.
    line, songs = torch.arange(count, device=log_weight.device), []
    for frame, chosen in zip(reversed(frames), reversed(ancestors), strict=True):
        line = chosen[line]
        songs.append(frame[line])
    return Particles(torch.stack(songs[::-1]), torch.softmax(log_weight, dim=0), log_evidence, torch.tensor(effective))


def _with_reference(output: Output, drawn: Drawn, context: Tensor, frame: Tensor, wanted: Tensor) -> Drawn:
    """Return what was drawn, but the reference's frame for the first particle, and the chance of its given keys."""
    frames, log_weight = drawn.frames.clone(), drawn.log_weight.clone()
    frames[0] = frame
    log_weight[0] = output.key_log_prob(frames[:1], context[:1])[0][wanted != FREE].sum()
    return Drawn(frames, drawn.chances, log_weight)


def _ancestor(model: SequenceModel, state: State, share: Tensor, ahead: Tensor, generator: torch.Generator) -> Tensor:
    """Return the particle that the reference comes from, drawn by its share times the chance of the next frames."""
    log_weight = share.log()
    if len(ahead):
        log_prob, _ = model(ahead.to(state.previous).unsqueeze(1).expand(-1, len(share), -1), state)
        log_weight = log_weight + log_prob.sum(dim=0).double()
    return torch.multinomial(torch.softmax(log_weight, dim=0), 1, generator=generator)[0]


class ImpossibleError(ValueError):
    """No particle can have what is given in a frame; `frame` is its number."""

    def __init__(self, frame: int) -> None:
        super().__init__(frame)  # so that it can be pickled
        self.frame = frame

    def __str__(self) -> str:
        return f"what is given in frame {self.frame} has no chance at all"


def systematic(share: Tensor, generator: torch.Generator) -> Tensor:
    """Return which particles continue, (particles,): each as often as its share says, rounded up or down.

    Args:
        share: (particles,), summing to 1.
        generator: where the one random number comes from.
    """
    count = len(share)
    first = torch.rand((), generator=generator, dtype=share.dtype, device=share.device)
    places = (first + torch.arange(count, device=share.device)) / count
    return torch.searchsorted(share.cumsum(dim=0), places).clamp(max=count - 1)
