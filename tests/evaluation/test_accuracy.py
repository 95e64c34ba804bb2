"""Two accuracies, two definitions."""

import numpy as np
import pytest
import torch

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.accuracy import accuracies, sampled_accuracy, thresholded_accuracy
from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.models.sequence_model import SequenceModel, State
from lmn_music.pianoroll import KEYS, PianoRoll


def frame(*keys):
    result = torch.zeros(KEYS)
    result[list(keys)] = 1
    return result


@pytest.mark.parametrize(
    ("predicted", "played", "sampled", "thresholded"),
    [
        ([1, 2, 3], [2, 3, 4, 5], 2 / 4, 2 / 5),
        ([1], [1], 1, 1),
        ([1], [2], 0, 0),
        ([], [2], 0, 0),
        ([1], [], 0, 0),
        ([], [], 1, torch.nan),
    ],
)
def test_by_hand(predicted, played, sampled, thresholded):
    assert sampled_accuracy(frame(*predicted), frame(*played)) == pytest.approx(sampled)
    assert thresholded_accuracy(frame(*predicted), frame(*played)) == pytest.approx(thresholded, nan_ok=True)


class Repeat(SequenceModel):
    """Is nearly sure that everything stays as it is."""

    def __init__(self):
        super().__init__()
        self.output = BernoulliOutput()
        self.sureness = torch.nn.Parameter(torch.tensor(50.0))

    def initial_state(self, batch):
        return State(torch.zeros(batch, 0), torch.zeros(batch, KEYS), 0)

    def contexts(self, frames, state):
        previous = torch.cat([state.previous.unsqueeze(0), frames[:-1]])
        return (2 * previous - 1) * self.sureness, State(state.memory, frames[-1], state.position + len(frames))

    def step(self, state):
        return (2 * state.previous - 1) * self.sureness, state


@pytest.mark.parametrize(("name", "anchor"), [("jsb", 27.3), ("nottingham", 69.6), ("muse", 39.4), ("piano", 36.8)])
@pytest.mark.slow
def test_repeating_the_frame_before_gives_the_known_figures(name, anchor, benchmark_folder):
    _, thresholded = accuracies(Repeat(), load_corpus(name, benchmark_folder).test, samples=1)
    assert 100 * thresholded == pytest.approx(anchor, abs=0.05)


def test_a_model_that_is_sure_scores_what_its_prediction_scores():
    frames = np.zeros((5, KEYS), dtype=bool)
    frames[:, 10] = True
    frames[2:, 20] = True  # a second key from the third frame on
    sampled, thresholded = accuracies(Repeat(), [PianoRoll(frames, 1)], samples=3)
    assert sampled == pytest.approx((0 + 1 + 1 / 2 + 1 + 1) / 5)
    assert thresholded == pytest.approx((1 + 1 / 2 + 1 + 1) / 4)  # the first frame is left out
