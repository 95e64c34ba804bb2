"""A temperature for whole frames: it decides which keys sound, never when or how many.

Dividing the log-odds of each key by a temperature below 1 makes silence and holding likelier in every frame, and whole
songs end there: the likeliest song is silence. Here the model itself decides how many keys sound and how many of them
are new; among frames that agree in both, the temperature prefers the likely ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lmn_music.models.outputs.output import Drawn, Output

CANDIDATES = 16  # with 48 a frame takes twice as long, and at temperature 2 shares are off by 0.05, not by 0.1


def draw_frames(
    output: Output,
    context: Tensor,
    previous: Tensor,
    *,
    temperature: float,
    generator: torch.Generator,
    given: Tensor | None = None,
    bonus: Callable[[Tensor], Tensor] | None = None,
) -> Drawn:
    """Draw a frame for each context.

    At temperature 1 and without a bonus this is `Output.draw`. Else CANDIDATES frames x are drawn from the model for
    each context, the first one of them decides how many keys sound and how many of these are new, and one of the frames
    that agree with it in both is chosen with weights p(x)^(1/temperature - 1); at 0 it is the likeliest. So, with ever
    more candidates, the frame comes from a mixture over the classes of frames, each as likely as under the model, of
    p^(1/temperature) within the class.

    Args:
        output: the distribution.
        context: (songs, ...), what the distribution of each frame depends on.
        previous: (songs, keys), the frame before.
        temperature: 0 or more.
        generator: where the random numbers come from.
        given: keys that are given, see `Output.draw`. With candidates, the first is chosen among all by the chance of
            its given keys, and so is, within the class, the frame.
        bonus: returns of frames, (CANDIDATES, songs, keys), by how many nats, (CANDIDATES, songs), each is made
            likelier in both choices; -inf for a frame that must not be, unless all must not.

    Returns:
        One frame for each context; log_weight is the log of the mean over candidates of the chance of the given keys.
    """
    if temperature == 1 and bonus is None:
        return output.draw(context, generator=generator, given=given)
    frames, chances, log_weight = output.draw(
        context.expand(CANDIDATES, *context.shape), generator=generator, given=given
    )
    sounding, new = frames.sum(dim=2), (frames * (1 - previous)).sum(dim=2)
    liked = log_weight if bonus is None else log_weight + bonus(frames)
    liked = torch.where(liked.isneginf().all(dim=0), log_weight, liked)
    first = _choice(liked, generator)
    agrees = (sounding == sounding.gather(0, first)) & (new == new.gather(0, first))
    least = torch.finfo(chances.dtype).tiny  # a key that is given may have no chance
    log_p = torch.where(frames > 0, chances, 1 - chances).clamp(min=least).log().sum(dim=2)
    if temperature == 0:
        chosen = log_p.masked_fill(~agrees | liked.isneginf(), -torch.inf).argmax(dim=0, keepdim=True)
    else:
        preference = liked + (1 / temperature - 1) * log_p
        chosen = _choice(preference.masked_fill(~agrees, -torch.inf), generator)
    place = chosen.unsqueeze(2).expand(-1, -1, frames.shape[2])
    weight = torch.logsumexp(log_weight, dim=0) - torch.tensor(float(CANDIDATES)).log()
    return Drawn(frames.gather(0, place)[0], chances.gather(0, place)[0], weight)


def _choice(log_weight: Tensor, generator: torch.Generator) -> Tensor:
    """Return the number of one candidate of each song, (1, songs), drawn by weights (candidates, songs)."""
    # Where nothing has a chance, all are alike.
    share = torch.softmax(log_weight.clamp(min=torch.finfo(log_weight.dtype).min), dim=0)
    return torch.multinomial(share.t(), 1, generator=generator).t()
