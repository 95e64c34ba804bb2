"""Matches within a song and an index of songs against their definition, written out; what the copy experts count."""

import math

import pytest
import torch

from lmn_music.models.build import build
from lmn_music.models.tied.experts import FACTS, ORDERS, SMALL, Followed
from lmn_music.models.tied.lines import line, moved
from lmn_music.models.tied.matches import KINDS, PLACES, Matches, follow, matches_after, signed
from lmn_music.models.tied.song_index import SongIndex
from lmn_music.music.pianoroll import PianoRoll
from tests.models.helpers import CONFIGS

KEYS = 6


def song_of(time, seed, keys=KEYS):
    """A song of few different frames, so that many places match."""
    generator = torch.Generator().manual_seed(seed)
    known = (torch.rand(4, keys, generator=generator) < 0.4).float()
    known[0] = 0
    known[2] = moved(known[1], torch.tensor(1))[0]
    return known[torch.randint(4, (time,), generator=generator)]


def interval(x, y):
    """By how many semitones frame y lies above frame x if it is the same chord; None if it is another chord."""
    if not x.any() or not y.any():
        return 0 if x.any() == y.any() else None
    step = int(y.argmax() - x.argmax())
    return step if torch.equal(moved(x, torch.tensor(step))[0], y) and x.sum() == y.sum() else None


def common_past(one, other):
    """The number of last frames that are the same."""
    count = 0
    while count < min(len(one), len(other)) and torch.equal(one[-1 - count], other[-1 - count]):
        count += 1
    return count


def moved_past(one, other):
    """The number of last frames of `one` that are those of `other`, all moved by the same interval, and this one."""
    count, steps = 0, []
    while count < min(len(one), len(other)):
        step = interval(other[-1 - count], one[-1 - count])
        if step is None:
            break
        if one[-1 - count].any():
            if steps and step != steps[0]:
                break
            steps.append(step)
        count += 1
    return count, steps[0] if steps else 0


def by_definition(now, kind, pasts):
    """The length of the common past and what followed, of each place of a kind that matches; those that lie elsewhere.

    Args:
        now: the frames of a song up to now.
        kind: the number of the kind.
        pasts: for each place the frames before it and the frame that followed.
    """
    found = []
    for past, frame in pasts:
        if kind == 1:
            run, step = moved_past(now, past)
            frame, lost = moved(frame, torch.tensor(step))
            if not step or lost:
                continue
        else:
            views = [now, past, frame.unsqueeze(0)]
            if kind > 1:
                views = [line(view, top=kind == 2) for view in views]
            run, frame = common_past(views[0], views[1]), views[2][0]
        if run:
            found.append((run, tuple(frame.tolist())))
    return found


def found_in(numbers):
    """The same of what the code under test has returned, (keys, PLACES)."""
    places = [place for place in numbers.T.tolist() if place[0]]
    return [(abs(place[0]), tuple(float(key > 0) for key in place)) for place in places]


def longest_of(found, most):
    return sorted((min(run, most), frame) for run, frame in found)


@pytest.mark.parametrize("seed", range(4))
def test_matches_within_a_song_are_their_definition(seed):
    song = song_of(14, seed)  # so short that every place is among the PLACES
    numbers, _ = follow(song.unsqueeze(0), len(song), Matches.empty(1, song.device))
    for t in range(len(song)):
        pasts = [(song[:s], song[s]) for s in range(1, t + 1)]
        for kind in range(KINDS):
            found = found_in(numbers[t, 0, :, kind * PLACES : (kind + 1) * PLACES])
            assert sorted(found) == sorted(by_definition(song[: t + 1], kind, pasts)), (t, kind)


def test_of_many_places_the_longest_are_kept_and_the_latest_among_equals():
    song = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])[[0, *[1, 2] * 20]]
    numbers, _ = follow(song.unsqueeze(0), len(song), Matches.empty(1, song.device))
    assert numbers[-1, 0, 1, :PLACES].abs().tolist() == [len(song) - 1 - 2 * n for n in range(1, PLACES + 1)]


@pytest.mark.parametrize("cut", [1, 6, 11])
def test_a_song_can_be_read_in_parts(cut):
    song = torch.stack([song_of(12, 1), song_of(12, 2)])
    whole, after = follow(song, 12, Matches.empty(2, song.device))
    first, between = follow(song[:, :cut], cut, Matches.empty(2, song.device))
    second, end = follow(song, 12 - cut, between)
    assert torch.equal(torch.cat([first, second]), whole)
    assert torch.equal(end.run, after.run)
    assert torch.equal(end.interval, after.interval)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("silent", [0, 3, 20])
def test_after_a_prime_its_last_frames_tell_all(monkeypatch, seed, silent):
    """Silence before the end, in two places that then sound alike; the common pasts that count are short."""
    reach = 20 + 2 * silent
    for name, value in {"LONGEST": 4, "REACH": reach, "CHUNK": 3}.items():
        monkeypatch.setattr(f"lmn_music.models.tied.matches.{name}", value)
    chords, rest = song_of(15, seed), torch.zeros(silent, KEYS)
    end = torch.cat([chords[:5], rest])
    higher = [moved(frames, torch.full((len(frames),), n + 1))[0] for n, frames in enumerate((end, chords[:9]))]
    song = torch.cat([chords, end, chords, *higher]).unsqueeze(0)
    begun = song[:, :12]
    _, before = follow(begun, 12, Matches.empty(1, song.device))
    for length in (13, 20, 40, song.shape[1] - 9):
        _, slow = follow(song[:, :length], length - 12, before)
        fast = matches_after(song[:, :length], length - 12, before)
        kept = song[:, max(length - reach, 0) : length + 9]
        expected, _ = follow(kept, kept.shape[1] - min(length, reach), slow.recent(reach))
        numbers, _ = follow(kept, kept.shape[1] - min(length, reach), fast)
        assert torch.equal(numbers, expected), length
        assert expected.any()


@pytest.mark.parametrize("seed", range(4))
def test_places_of_the_index_are_their_definition(seed):
    songs = [song_of(5, 10 * seed + n) for n in range(3)]  # 18 places, each song with the silence before it
    now = torch.cat([torch.zeros(1, KEYS), songs[0][:3], song_of(6, 10 * seed)])
    numbers = SongIndex(songs).follow(now.unsqueeze(0), len(now))
    pasts = []
    for song in songs:
        begun = torch.cat([torch.zeros(1, KEYS), song])
        pasts += [(begun[:s], begun[s]) for s in range(1, len(begun))]
    for t in range(len(now)):
        for kind in range(KINDS):
            found = found_in(numbers[t, 0, :, kind * PLACES : (kind + 1) * PLACES])
            # In the index, a past that is moved has a first frame that sounds to be moved from.
            wanted = by_definition(now[: t + 1], kind, pasts)
            if kind != 1:
                assert longest_of(found, 99) == longest_of(wanted, 99)[-PLACES:], (t, kind)
            else:
                assert {frame for run, frame in found if run > 1} <= {frame for _, frame in wanted}, t


def test_the_experts_count_the_places_that_agree_so_far():
    """Three places of the first kind, with a common past of 1, 2 and 4 frames; key 0 sounds, key 1 does not."""
    followed = torch.tensor([[1.0, 0, 1], [1, 0, 0], [0, 0, 1]])
    places = torch.zeros(3, KINDS * PLACES)
    places[:, :PLACES] = signed(followed, torch.tensor([1, 2, 4]))
    frame = torch.tensor([1.0, 0, 1])
    evidence = Followed(places).evidence(frame).view(3, KINDS, len(ORDERS), FACTS)
    assert not evidence[:, 1:].any()
    # At key 2 the places with 1 and 2 frames agree; of the past of one frame, key 2 sounds in one of the two.
    odds, agree, others = evidence[2, 0, 0].tolist()
    assert odds == pytest.approx(math.log((1 + SMALL) / (1 + SMALL)))
    assert agree == pytest.approx(math.log1p(2))
    assert others == pytest.approx(math.log1p(1))
    odds, agree, others = evidence[2, 0, 1].tolist()  # of the past of two frames
    assert odds == pytest.approx(math.log(SMALL / (1 + SMALL)))
    assert (agree, others) == (pytest.approx(math.log1p(1)), pytest.approx(math.log1p(1)))
    assert evidence[0, 0, 2].tolist() == pytest.approx([math.log(SMALL / (1 + SMALL)), math.log1p(1), 0])


@pytest.fixture
def model_with_songs():
    model = build(CONFIGS["tied, copies"])
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.constrain()
    rolls = [PianoRoll(song_of(9, seed, 88).bool().numpy(), 1, str(seed)) for seed in range(4)]
    return model.eval(), model.with_songs(rolls)


@torch.no_grad()
def test_with_songs_at_hand_each_expectation_is_of_the_past_alone(model_with_songs):
    model, reader = model_with_songs
    song = torch.cat([song_of(5, 0, 88), song_of(6, 7, 88)]).unsqueeze(1)
    whole, _ = reader(song)
    assert not torch.allclose(whole, model(song)[0])  # the songs do make a difference
    for t in range(len(song)):
        changed = song.clone()
        changed[t + 1 :] = 1 - changed[t + 1 :]
        torch.testing.assert_close(reader(changed)[0][: t + 1], whole[: t + 1])
    state = reader.initial_state(1)
    for t, frame in enumerate(song):  # and step is contexts
        context, state = reader.step(state)
        torch.testing.assert_close(reader.output.log_prob(frame, context), whole[t])
        state = state.saw(frame)


def test_songs_at_hand_are_no_part_of_the_weights(model_with_songs):
    model, reader = model_with_songs
    assert model.at_hand is None
    assert reader.state_dict().keys() == model.state_dict().keys()
    assert all(one is other for one, other in zip(model.parameters(), reader.parameters(), strict=True))
    assert build(CONFIGS["tied"]).with_songs([]) is None


@torch.no_grad()
def test_where_nothing_is_given_a_song_copies_itself_and_the_vector_enters(model_with_songs):
    model, _ = model_with_songs
    song = song_of(8, 3, 88).unsqueeze(1)
    own, _ = model(song, model.initial_state(1).drawing(free=True))
    assert not torch.allclose(own, model(song)[0])
    with torch.no_grad():
        model.own.zero_()
    free, _ = model(song, model.initial_state(1).drawing(free=True))
    torch.testing.assert_close(free, model(song)[0])


@torch.no_grad()
def test_where_keys_are_given_nothing_is_copied_and_no_vector_enters(model_with_songs):
    model, _ = model_with_songs
    song = song_of(8, 3, 88).unsqueeze(1)
    without = build(CONFIGS["tied, copies"].model_copy(update={"copies": False, "own_past": False})).eval()
    without.load_state_dict({name: w for name, w in model.state_dict().items() if name in without.state_dict()})
    given, _ = model(song, model.initial_state(1).drawing(free=False))
    torch.testing.assert_close(given, without(song)[0])


@torch.no_grad()
@pytest.mark.parametrize("candidates", [1, 2, 40])  # drawn as blocks of keys, and key by key
@pytest.mark.parametrize("songs_at_hand", [False, True])
def test_candidates_are_drawn_as_frames_with_contexts_of_their_own(model_with_songs, candidates, songs_at_hand):
    model = model_with_songs[songs_at_hand]
    songs = torch.stack([song_of(9, seed, 88) for seed in range(7)], dim=1)
    context, _ = model.contexts(songs, model.initial_state(7))
    shared = context[-1].expand(candidates, *context.shape[1:])
    one, other = (
        model.output.draw(each, generator=torch.Generator().manual_seed(1)) for each in (shared, shared.contiguous())
    )
    assert one.frames.any()
    assert torch.equal(one.frames, other.frames)
    torch.testing.assert_close(one.chances, other.chances)
    chances = torch.sigmoid(model.output.logits(one.frames, shared))
    torch.testing.assert_close(one.chances, chances)
