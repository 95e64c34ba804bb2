"""Songs keep to the habits that are drawn for them."""

from itertools import islice

import pytest
import torch

from lmn_music.generation.keeping import STILL, Keeping
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.build import build
from lmn_music.models.habits import HABITS, Habits, quantiles
from lmn_music.models.outputs.output import FREE
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.measures import longest_still
from tests.models.helpers import CONFIGS


def keeping(width: float, still: float, songs: int = 1, prime: torch.Tensor | None = None, loop: float = 99) -> Keeping:
    habits = Habits(*(torch.full((HABITS,), float(number)) for number in (width, still, loop)), torch.ones(()))
    return Keeping(habits, songs, prime, torch.Generator().manual_seed(1))


def frame(*keys: int) -> torch.Tensor:
    return torch.zeros(1, 88).index_fill(1, torch.tensor(keys, dtype=torch.long), 1.0)


def test_quantiles_are_the_numbers_themselves_where_there_are_as_many():
    numbers = torch.arange(float(HABITS))
    torch.testing.assert_close(quantiles(numbers.flip(0)), numbers, atol=0.5, rtol=0)
    assert torch.equal(quantiles(torch.full((3,), 7.0)), torch.full((HABITS,), 7.0))


def test_each_song_has_habits_of_its_own():
    habits = Habits(*[torch.arange(float(HABITS))] * 3, torch.ones(()))
    drawn = habits.draw(1000, torch.Generator().manual_seed(1))
    assert set(drawn.widths.tolist()) == set(range(HABITS))
    assert set(drawn.stills.tolist()) == set(range(2, HABITS))  # a stretch of one frame would be no music
    assert not torch.equal(drawn.widths, drawn.stills)


def test_keys_too_far_from_a_key_of_the_song_are_silent():
    song = keeping(12, 99)
    assert (song.given(88) == FREE).all()  # before the first note
    song.saw(frame())
    assert (song.given(88) == FREE).all()
    song.saw(frame(40, 45))
    assert torch.equal((song.given(88) == FREE)[0].nonzero().flatten(), torch.arange(33, 53))
    song.saw(frame(34))
    assert torch.equal((song.given(88) == FREE)[0].nonzero().flatten(), torch.arange(33, 47))


def test_a_frame_that_is_too_wide_does_not_fit():
    song = keeping(12, 99, songs=2)
    assert song.refuses(torch.cat([frame(40, 52), frame(40, 53)])).tolist() == [False, True]
    song.saw(torch.cat([frame(46), frame(40, 53)]))  # a song that had to be wider anyway may stay as wide
    assert song.refuses(torch.cat([frame(40, 53), frame(40, 53)])).tolist() == [True, False]


def test_a_beginning_may_be_wider():
    song = keeping(3, 99, prime=torch.cat([frame(40, 50), frame(44)]))
    assert torch.equal((song.given(88) == FREE)[0].nonzero().flatten(), torch.arange(40, 51))


@pytest.mark.parametrize("period", [1, STILL])
def test_a_stretch_ends_in_time(period: int):
    chords = [frame(40), frame(41)][:period]
    song = keeping(88, 5, prime=frame(60))
    for number in range(5):
        assert not song.refuses(chords[number % period])
        song.saw(chords[number % period])
    assert song.refuses(chords[5 % period])
    assert not song.refuses(frame(42))


@pytest.mark.parametrize(("period", "loop", "most"), [(3, 9, 9), (3, 2, 6), (8, 20, 20), (8, 9, 16)])
def test_a_figure_is_repeated_as_often_as_the_habit_says_and_may_be_said_twice(period: int, loop: int, most: int):
    song = keeping(88, 99, loop=loop)
    for number in range(most):
        assert not song.refuses(frame(40 + number % period))
        song.saw(frame(40 + number % period))
    assert song.refuses(frame(40 + most % period))
    assert not song.refuses(frame(70))


def test_a_beginning_counts():
    assert keeping(88, 5, prime=frame(40).expand(5, -1)).refuses(frame(40))
    assert not keeping(88, 5, prime=frame(40).expand(4, -1)).refuses(frame(40))


def plain() -> TiedModel:
    """A model that draws some four keys in a frame, whatever came before."""
    model = build(CONFIGS["tied, copies"], torch.Generator().manual_seed(3)).eval()
    assert isinstance(model, TiedModel)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.1)
        model.output.logit.bias.fill_(-3)
    return model


def test_drawn_songs_keep_to_them():
    model = plain()

    def draw(prime: torch.Tensor | None = None) -> torch.Tensor:
        drawn = sample_frames(model, torch.Generator().manual_seed(5), songs=4, prime=prime)
        return torch.stack(list(islice(drawn, 24))).bool().transpose(0, 1)

    def width(song: torch.Tensor) -> int:
        keys = song.any(dim=0).nonzero().flatten()
        return int(keys[-1] - keys[0])

    assert model.habits is None
    free = draw()
    with torch.no_grad():
        model.widths.fill_(50)
        model.stills.fill_(3)
        model.loops.fill_(99)
    assert all(width(song) <= 50 and longest_still(song.numpy(), 2) <= 3 for song in draw())
    assert min(map(width, free)) > 50
    wide = frame(0, 87)[0].expand(2, -1)
    assert max(width(song) for song in draw(prime=wide)) > 50


def test_at_1_they_are_as_bold_as_the_habits_say():
    model = plain()

    def draw(temperature: float) -> torch.Tensor:
        drawn = sample_frames(model, torch.Generator().manual_seed(5), songs=4, temperature=temperature)
        return torch.stack(list(islice(drawn, 12)))

    with torch.no_grad():
        model.stills.fill_(99)
        model.loops.fill_(99)
        model.widths.fill_(99)
    itself, cautious = draw(1.0), draw(0.5)
    model.temperature.fill_(0.5)
    assert torch.equal(draw(1.0), cautious)
    assert torch.equal(draw(2.0), itself)
