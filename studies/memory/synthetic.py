"""Tasks that are drawn: copying, adding, waves, Mackey-Glass, words with a common suffix."""

from __future__ import annotations

import numpy as np
import torch

from lmn_music.formats.audio import synthesize
from lmn_music.music.pianoroll import KEYS, PianoRoll
from studies.memory.problem import Array, Problem, Split, classified

SYMBOLS, COPIED = 8, 10
HORIZON, WASHOUT, WINDOW = 84, 50, 200  # frames: how far ahead, how many are not judged, of a sequence
Counts = tuple[int, int, int]  # of training, validation and test sequences


def copying(lag: int, counts: Counts, *, level: float = 0.9) -> Problem:
    """Say ten symbols again, `lag` frames after the last of them.

    The frames: ten of eight symbols, lag - 1 blanks, a cue, and nine blanks, 2 * 10 + lag - 1 in all; the cue and the
    blanks after it are where the symbols are to be said. Source: Hochreiter and Schmidhuber 1997, in the form of
    Arjovsky, Shah, Bengio 2016.

    Args:
        lag: frames, at least 1.
        counts: of sequences.
        level: see `Problem`.
    """
    generator = np.random.default_rng(lag)
    time = 2 * COPIED + lag - 1

    def split(count: int) -> Split:
        symbols = torch.from_numpy(generator.integers(SYMBOLS, size=(COPIED, count)))
        seen = torch.full((time, count), SYMBOLS)
        seen[:COPIED] = symbols
        seen[time - COPIED] = SYMBOLS + 1
        y, scored = torch.zeros(time, count, dtype=torch.long), torch.zeros(time, count, dtype=torch.bool)
        y[time - COPIED :], scored[time - COPIED :] = symbols, True
        return Split(torch.nn.functional.one_hot(seen, SYMBOLS + 2).float(), y, scored)

    train, valid, test = map(split, counts)
    return Problem(train, valid, test, SYMBOLS, level)


def adding(time: int, counts: Counts, *, level: float = 0.9) -> Problem:
    """Say the sum of two marked numbers among `time`, one in each half (Hochreiter and Schmidhuber 1997).

    Args:
        time: frames.
        counts: of sequences.
        level: see `Problem`.
    """
    generator = np.random.default_rng(time)

    def split(count: int) -> Split:
        x = np.zeros((time, count, 2), dtype=np.float32)
        x[..., 0] = generator.random((time, count))
        songs, half = np.arange(count), time // 2
        for first, last in ((0, half), (half, time)):
            x[generator.integers(first, last, count), songs, 1] = 1
        y, scored = torch.zeros(time, count, 1), torch.zeros(time, count, dtype=torch.bool)
        y[-1, :, 0], scored[-1] = torch.from_numpy(np.sum(x[..., 0] * x[..., 1], axis=0)), True
        return Split(torch.from_numpy(x), y, scored)

    train, valid, test = map(split, counts)
    return Problem(train, valid, test, 1, level)


def wave(samples: int = 320, *, level: float = 0.9) -> Problem:
    """Generate so many samples of a chord without any input but its first frame, as by Koutnik et al. 2014.

    There is one sequence, and it is learned by heart: the three splits are the same. The chord is played by the piano
    of the General MIDI sound font, each fourth of its samples at 44.1 kHz, scaled to a standard deviation of 1.

    Args:
        samples: frames.
        level: see `Problem`.
    """
    frames = np.zeros((4, KEYS), dtype=bool)
    frames[:, [27, 39, 43, 46]] = True
    sound = synthesize(PianoRoll(frames, 1, "chord"))
    y = np.asarray(sound, dtype=np.float32).reshape(len(sound), -1).mean(axis=1)[20_000::4][:samples]
    x = torch.zeros(len(y), 1, 1)
    x[0] = 1
    right = torch.from_numpy((y - y.mean()) / y.std()).view(-1, 1, 1)
    split = Split(x, right, torch.ones(len(y), 1, dtype=torch.bool))
    return Problem(split, split, split, 1, level)


def series(values: Array, horizon: int, *, level: float = 0.9) -> Problem:
    """Say what a series will be `horizon` frames ahead; first and last tenths of the test part touch no other part.

    Args:
        values: (frames,), in the order of time. Six tenths are for training, two for validation, two for the test.
        horizon: frames.
        level: see `Problem`.
    """
    scaled = torch.from_numpy(np.asarray((values - values.mean()) / values.std(), dtype=np.float32))

    def split(part: torch.Tensor, step: int) -> Split:
        windows = part.unfold(0, WINDOW + horizon, step).t()  # (WINDOW + horizon, count)
        x, y = windows[:WINDOW].unsqueeze(2).contiguous(), windows[horizon:].unsqueeze(2).contiguous()
        scored = torch.zeros(x.shape[:2], dtype=torch.bool)
        scored[WASHOUT:] = True
        return Split(x, y, scored)

    ends = [int(share * len(scaled)) for share in (0.6, 0.8)]
    train, valid, test = torch.tensor_split(scaled, ends)
    return Problem(split(train, 10), split(valid, 50), split(test, 50), 1, level)


def mackey_glass(frames: int = 10_000) -> Problem:
    """Say the Mackey-Glass series of delay 17 HORIZON frames ahead (Jaeger and Haas 2004)."""
    from reservoirpy.datasets import mackey_glass as drawn

    return series(np.asarray(drawn(frames, tau=17, seed=0), dtype=np.float32)[:, 0], HORIZON)


def words(counts: Counts, *, stems: int = 10, suffix: int = 8, level: float = 0.9) -> Problem:
    """Name the word, of several that end alike: what tells them apart comes first, and the ending is long.

    Each of `stems` words is three letters of its own and a suffix of `suffix` letters that all share. A letter is a
    point in 12 dimensions; it lasts from two to five frames, each with noise of a standard deviation of 0.5. A
    synthetic form of the words of TIMIT with a common suffix (Carta, Sperduti, Bacciu, ECML-PKDD 2020).

    Args:
        counts: of sequences.
        stems: how many words.
        suffix: letters.
        level: see `Problem`.
    """
    generator = np.random.default_rng(stems)
    letters = generator.standard_normal((26, 12))
    spelt = [[*generator.integers(26, size=3)] for _ in range(stems)]
    ending = [*generator.integers(26, size=suffix)]
    sequences, classes = [], generator.integers(stems, size=sum(counts))
    for word in classes:
        spoken = np.repeat(spelt[word] + ending, generator.integers(2, 6, size=3 + suffix))
        noise = 0.5 * generator.standard_normal((len(spoken), 12))
        sequences.append((letters[spoken] + noise).astype(np.float32))
    return classified(sequences, [int(word) for word in classes], counts[:2], level)
