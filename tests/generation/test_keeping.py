"""Songs keep to the habits that are drawn for them."""

from itertools import islice

import pytest
import torch

from lmn_music.generation.keeping import GAIN, HEARD, LARGEST, STILL, TAIL, WHOLE, Echoes, Keeping
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.build import build
from lmn_music.models.habits import HABITS, Habits, quantiles
from lmn_music.models.outputs.output import FREE
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.measures import longest_still
from tests.models.helpers import CONFIGS


def keeping(
    width: float,
    still: float,
    songs: int = 1,
    prime: torch.Tensor | None = None,
    *,
    density: float = 4,
    loop: float = 99,
    silence: float = 99,
    echo: float = 0,
) -> Keeping:
    kinds = (torch.full((HABITS,), float(number)) for number in (width, still, loop, density, silence))
    habits = Habits(*kinds, echo=torch.tensor(echo), temperature=torch.ones(()))
    return Keeping(habits, songs, prime, torch.Generator().manual_seed(1))


def keep_to(model: TiedModel, **habits: float) -> None:
    """Give a model habits, 99 of each kind that is not named, the same for every song."""
    with torch.no_grad():
        for name in ("widths", "densities", "stills", "loops", "silences"):
            model.get_buffer(name).fill_(habits.get(name, 99))
        model.echo.fill_(habits.get("echo", 0))
        model.temperature.fill_(1)


def frame(*keys: int) -> torch.Tensor:
    return torch.zeros(1, 88).index_fill(1, torch.tensor(keys, dtype=torch.long), 1.0)


def test_quantiles_are_the_numbers_themselves_where_there_are_as_many():
    numbers = torch.arange(float(HABITS))
    torch.testing.assert_close(quantiles(numbers.flip(0)), numbers, atol=0.5, rtol=0)
    assert torch.equal(quantiles(torch.full((3,), 7.0)), torch.full((HABITS,), 7.0))


def test_each_song_has_habits_of_its_own():
    evenly = torch.arange(float(HABITS))
    habits = Habits(*[evenly] * 5, echo=torch.ones(()), temperature=torch.ones(()))
    drawn = habits.draw(1000, torch.Generator().manual_seed(1))
    assert set(drawn.widths.tolist()) == set(drawn.densities.tolist()) == set(range(HABITS))
    assert set(drawn.stills.tolist()) == set(range(2, HABITS))  # a stretch of one frame would be no music
    assert torch.equal(drawn.loops, drawn.silences)  # who stands still for long may go in circles for long
    for one, other in ((drawn.widths, drawn.densities), (drawn.widths, drawn.loops), (drawn.densities, drawn.loops)):
        assert not torch.equal(one, other)


def test_numbers_are_rounded_by_chance_so_that_their_mean_stays():
    habits = Habits(*[torch.full((HABITS,), 3.3)] * 5, echo=torch.ones(()), temperature=torch.ones(()))
    drawn = habits.draw(4000, torch.Generator().manual_seed(1))
    for whole in (drawn.widths, drawn.stills, drawn.loops, drawn.silences):
        assert set(whole.tolist()) == {3, 4}
        assert float(whole.mean()) == pytest.approx(3.3, abs=0.03)
    assert torch.equal(drawn.densities, torch.full((4000,), 3.3))


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


def test_a_silence_ends_in_time():
    song = keeping(88, 99, silence=2)
    for _ in range(2):
        assert not song.refuses(frame())
        song.saw(frame())
    assert song.refuses(frame())
    song.saw(frame(40))
    assert not song.refuses(frame())
    assert keeping(88, 99, silence=0).refuses(frame())


def test_keys_grow_likelier_while_there_are_too_few():
    song, three = keeping(88, 9999, density=2, loop=9999), frame(40, 44, 47)
    assert song.bonus(three) == 0
    for _ in range(2):
        song.saw(frame(40))
    assert song.bonus(three) == pytest.approx(3 * 2 * GAIN)  # for each key, one for each key that was missing
    for _ in range(10):
        song.saw(three)
    assert song.bonus(three) == pytest.approx(3 * (2 - 10) * GAIN)
    for _ in range(200):
        song.saw(three)
    assert song.bonus(three) == pytest.approx(-3 * LARGEST)


@pytest.mark.parametrize(("sounding", "silent"), [(TAIL, 0), (TAIL + 9, 0), (16, 30), (0, 9)])
def test_what_begins_full_may_stay_so(sounding: int, silent: int):
    """The fewer frames of it sound, the less it says; its rests say nothing."""
    three = frame(40, 44, 47)
    song = keeping(88, 9999, density=2, loop=9999, prime=torch.cat([frame()] * silent + [three] * sounding))
    share = min(sounding / TAIL, 1)
    song.saw(three)
    assert song.bonus(three) == pytest.approx(3 * GAIN * (3 * share + 2 * (1 - share) - 3), abs=1e-6)


def common(song: torch.Tensor) -> int:
    """How many frames at the end of a song it has had eight frames before or earlier, word for word."""
    most = 0
    for shift in range(WHOLE, len(song)):
        same = (song[shift:] == song[:-shift]).all(dim=1).tolist()
        most = max(most, next((n for n, equal in enumerate(reversed(same)) if not equal), len(same)))
    return most


def test_what_comes_again_is_found():
    songs = torch.randint(2, (3, 60, 2), generator=torch.Generator().manual_seed(1)).float()
    echoes, longest = Echoes(), 0
    for time in range(60):
        expected = [common(song[: time + 1]) for song in songs]
        assert echoes.lengths(songs[:, time]).tolist() == expected
        both = echoes.lengths(torch.stack([songs[:, time], 1 - songs[:, time]]))
        assert both[0].tolist() == expected
        echoes.saw(songs[:, time])
        longest = max(longest, *expected)
    assert longest > 3


def test_frames_that_let_the_song_come_again_grow_likelier():
    song = keeping(88, 99, density=1, echo=3)
    tune = [frame(40 + number) for number in range(12)]
    found = []
    for one in tune * 2:
        found.append(float(song.bonus(one)))
        song.saw(one)
    steps = WHOLE - HEARD
    assert found[:12] == [0] * 12
    assert found[12:] == pytest.approx([3 * min(max(number - HEARD, 0) / steps, 1) for number in range(1, 13)])
    assert song.bonus(frame(60)) == 0
    both = torch.cat([frame(40), frame(60)]).unsqueeze(1)  # two next frames of the one song
    assert song.bonus(both).tolist() == [[3], [0]]


def test_what_does_not_fit_is_not_chosen():
    song = keeping(12, 99, songs=2)
    wide = torch.cat([frame(40, 52), frame(40, 53)])
    assert song.bonus(wide).tolist() == [0, -torch.inf]


def test_the_first_lines_of_a_long_beginning_may_come_again():
    tune = torch.cat([frame(20 + number % 50) for number in range(3 * TAIL)])
    song = keeping(88, 99, density=1, echo=3, prime=tune)
    assert song.bonus(frame(20 + len(tune) % 50)) == pytest.approx(3)
    assert song.echoes.past.shape[1] == len(tune)


def test_what_is_long_past_does_not_come_again(monkeypatch):
    monkeypatch.setattr("lmn_music.generation.keeping.RECENT", 10)
    echoes = Echoes()
    for number in range(30):
        echoes.saw(frame(number))
        assert echoes.past.shape[1] == echoes.common.shape[1] == min(number + 1, 10)
    assert echoes.lengths(frame(20)) == 1
    assert echoes.lengths(frame(19)) == 0


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
    keep_to(model, widths=50, stills=3, densities=4)
    assert all(width(song) <= 50 and longest_still(song.numpy(), 2) <= 3 for song in draw())
    assert min(map(width, free)) > 50
    wide = frame(0, 87)[0].expand(2, -1)
    assert max(width(song) for song in draw(prime=wide)) > 50


def test_they_are_as_full_as_they_shall_be():
    model = plain()

    def density(keys: float) -> float:
        keep_to(model, densities=keys)
        drawn = sample_frames(model, torch.Generator().manual_seed(5), songs=4)
        return float(torch.stack(list(islice(drawn, 100)))[20:].sum(dim=2).mean())

    assert density(2) < 3 < 5 < density(6)


def test_what_they_said_comes_again():
    model = plain()
    with torch.no_grad():
        model.output.logit.bias.fill_(-6)

    def longest(echo: float) -> float:
        keep_to(model, densities=0.2, echo=echo)
        song = torch.cat(list(islice(sample_frames(model, torch.Generator().manual_seed(5)), 80)))
        return sum(common(song[:end]) > HEARD for end in range(1, 81))

    assert longest(8) > longest(0)


def test_frames_that_do_not_fit_are_drawn_again(monkeypatch):
    monkeypatch.setattr("lmn_music.generation.temperature.CANDIDATES", 1)  # so that no other candidate is at hand
    model = plain()

    def silent() -> int:
        drawn = list(islice(sample_frames(model, torch.Generator().manual_seed(5), songs=4), 20))
        return int((~torch.stack(drawn).any(dim=2)).sum())

    with torch.no_grad():
        model.output.logit.bias.fill_(-5)
    keep_to(model)
    before = silent()
    keep_to(model, silences=0)
    assert silent() < before / 3


def test_a_range_goes_before_a_width():
    model = plain()
    keep_to(model, widths=12)
    with torch.no_grad():
        model.output.logit.bias.fill_(-4)
    given = torch.where(torch.arange(88) < 60, 0.0, FREE)
    prime = frame(10)[0].expand(4, -1)
    drawn = torch.stack(
        list(islice(sample_frames(model, torch.Generator().manual_seed(5), prime=prime, given=given), 20))
    )
    sounding = drawn.any(dim=2)
    assert sounding[:5].any(dim=0).all()
    assert not drawn[..., :60].any()
    widths = [int(keys.max() - keys.min()) for song in drawn.unbind(1) if len(keys := song.any(dim=0).nonzero())]
    assert 1 < max(widths) <= 12


def test_at_1_they_are_as_bold_as_the_habits_say():
    model = plain()

    def draw(temperature: float) -> torch.Tensor:
        drawn = sample_frames(model, torch.Generator().manual_seed(5), songs=4, temperature=temperature)
        return torch.stack(list(islice(drawn, 12)))

    keep_to(model)
    itself, cautious = draw(1.0), draw(0.5)
    model.temperature.fill_(0.5)
    assert torch.equal(draw(1.0), cautious)
    assert torch.equal(draw(2.0), itself)
