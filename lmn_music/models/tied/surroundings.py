"""What a key can know of the song so far: features of the frames before, relative to the key."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lmn_music.models.tied.recall import Past, Recall

SEMITONES = 12
WINDOW = 12  # semitones to either side
RECENT = 32  # frames


def around(frames: Tensor, below: int, above: int) -> Tensor:
    """Return the keys around each key, with silence beyond the keyboard.

    Args:
        frames: (..., keys).
        below: how many keys under each key.
        above: how many keys from the key itself upwards; 0 leaves the key out.

    Returns:
        (..., keys, below + above), from the lowest up.
    """
    padded = nn.functional.pad(frames, (below, max(above - 1, 0)))
    return padded.unfold(-1, below + above, 1)[..., : frames.shape[-1], :]


def pitch_classes(frames: Tensor) -> Tensor:
    """Return how many notes sound of each pitch class.

    Args:
        frames: (..., keys).

    Returns:
        (..., keys, 12), the pitch classes counted upwards from each key.
    """
    keys = frames.shape[-1]
    whole = nn.functional.pad(frames, (0, -keys % SEMITONES))
    counts = whole.unflatten(-1, (-1, SEMITONES)).sum(dim=-2)
    relative = torch.cat([counts, counts], dim=-1).unfold(-1, SEMITONES, 1)[..., :SEMITONES, :]
    return relative.index_select(-2, torch.arange(keys, device=frames.device) % SEMITONES)


class Surroundings(nn.Module):
    """The features of every key and of every frame, made of the frames before it; none depends on absolute pitch.

    Of a key: the 12 keys to either side of it in the frame before; how many notes sounded there of each pitch class,
    counted from the key, and how many below and above it; the share of each pitch class in all frames so far and in the
    last 32, and how often the key sounded in them; and what `Recall` expects of it. Of a frame: how many notes sounded
    in the frame before, and how sure `Recall` is.

    Attributes:
        key_size: the number of features of a key.
        frame_size: the number of features of a frame.
    """

    def __init__(self, metre: Sequence[int], *, recall: bool) -> None:
        super().__init__()
        self.recall = Recall(metre) if recall else None
        horizons = len(Recall.FADING) if recall else 0
        self.key_size = 2 * WINDOW + 1 + 3 * SEMITONES + 2 + 2 + horizons
        self.frame_size = 1 + horizons

    def forward(self, frames: Tensor, past: Past) -> tuple[Tensor, Tensor, Past]:
        """Read more frames, and return what is known after each of them.

        Args:
            frames: (time, batch, keys).
            past: the frames before them.

        Returns:
            The keys' features (time, batch, keys, key_size), the frames' features (time, batch, frame_size), and the
            song so far.
        """
        time = len(frames)
        count = torch.arange(past.count + 1, past.count + time + 1, device=frames.device)
        sums = past.sums + frames.cumsum(dim=0)
        late = torch.cat([past.frames[:, -RECENT:].transpose(0, 1), frames])
        late = nn.functional.pad(late.cumsum(dim=0), (0, 0, 0, 0, RECENT, 0))
        recent = late[-time:] - late[-time - RECENT : -RECENT]
        total = frames.sum(dim=2, keepdim=True)
        below = frames.cumsum(dim=2) - frames
        of_keys = [
            around(frames, WINDOW, WINDOW + 1),
            pitch_classes(frames),
            torch.stack([below, total - below - frames], dim=3) / 5,
        ]
        for sounded, span in ((sums, count), (recent, count.clamp(max=RECENT))):
            shares = sounded / sounded.sum(dim=2, keepdim=True).clamp(min=1)
            of_keys += [pitch_classes(shares), (sounded / span.view(-1, 1, 1)).unsqueeze(3)]
        of_frames = [total / 5]
        if self.recall is None:
            whole = torch.cat([past.frames, frames.transpose(0, 1)], dim=1)
            past = Past(whole, past.likeness, sums[-1], past.count + time)
        else:
            expected, likeness, past = self.recall(frames, past)
            of_keys.append(expected)
            of_frames.append(likeness)
        return torch.cat(of_keys, dim=3), torch.cat(of_frames, dim=2), past
