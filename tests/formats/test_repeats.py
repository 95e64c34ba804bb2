"""In which order bars are played: closed forms, every bar at least once, and what music21 makes of the same signs."""

import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmn_music.formats import read_piece
from lmn_music.formats.repeats import MOST_TIMES, Signs, playing_order
from lmn_music.music.metre import Metre
from tests.formats.test_musicxml_cases import START, heard, note, read, score


def signs(text: str) -> list[Signs]:
    """Return the signs of bars, as in "|: a 1[ b :| ] 2[ c ]", where each letter is a bar.

    `|:`, `1[` or `1,3[`, `segno` and `coda` belong to the next bar; `:|` or `:|3`, `fine`, `to` (the coda), `>capo` and
    `>segno` to the bar before, after which `]` closes an ending.
    """
    bars: list[Signs] = []
    before = Signs()
    ending: frozenset[int] = frozenset()
    for word in text.split():
        if word == "|:":
            before.begins = True
        elif word.startswith(":|"):
            bars[-1].times = int(word[2:] or 2)
        elif word.endswith("["):
            ending = frozenset(map(int, word[:-1].split(",")))
        elif word == "]":
            ending = frozenset()
        elif word in (">capo", ">segno"):
            bars[-1].jump = word[1:]
        elif word == "fine":
            bars[-1].fine = True
        elif word == "to":
            bars[-1].to_coda = True
        elif word in ("segno", "coda"):
            setattr(before, word, True)
        else:
            before.endings = ending
            bars.append(before)
            before = Signs()
    return bars


@pytest.mark.parametrize(
    ("text", "order", "passed_over"),
    [
        ("a b c", "abc", ""),
        ("a b :| c", "ababc", ""),
        ("a |: b :| c", "abbc", ""),
        ("a :| b :|", "aabb", ""),  # from the end of the section before
        ("|: a :|3 b", "aaab", ""),
        ("|: a |: b :| c :|", "abbcc", ""),
        ("|: a 1[ b :| ] 2[ c ] d", "abacd", ""),
        ("|: a 1[ b :| ] 2[ c :| ] |: d :|", "abacdd", ""),
        ("|: a 1,2[ b :| ] 3[ c ] d", "ababacd", ""),
        ("|: a 1,3[ b :| ] 2,4[ c :| ] d", "abacabacd", ""),
        ("|: a 1[ b c :| ] 2[ d e ] f :| g", "abcadeffg", ""),  # a section begins after the last ending
        ("|: a 1[ b ] c :| 2[ d ] e", "abcade", ""),  # the bracket of the first ending is too short
        ("|: a 1[ b :| ] c", "abac", ""),
        ("|: a 1[ b :| ] 2[ c ] |: d 1[ e :| ] 2[ f ]", "abacdedf", ""),
        ("|: a 1[ b :| ] 2[ |: c ] d :|", "abacdcd", ""),
        ("a b fine c >capo", "abcab", ""),
        ("a segno b fine c >segno", "abcb", ""),
        ("|: a :| b fine |: c :| >capo", "aabccab", ""),  # without repeats after the jump
        ("a |: b 1[ c :| ] 2[ d fine ] e >capo", "abcbdeabd", ""),
        ("a segno b to c >segno coda d e", "abcbde", ""),
        ("a b >capo", "ab", "a jump that is not clear"),  # no fine
        ("a fine b >capo c", "abc", "a jump that is not clear"),  # c would never be played
        ("segno a segno b fine c >segno", "abc", "a jump that is not clear"),
        ("a fine b >segno", "ab", "a jump that is not clear"),
        ("a to b >capo", "ab", "a jump that is not clear"),  # no coda
        ("a b :| 2[ c ] d", "ababcd", "endings that are not clear"),
        ("|: a 1[ b ] 2[ c ] d", "abcd", "endings that are not clear"),  # nothing leads from the first to the second
        ("|: a 1[ b :| ] 3[ c ] d", "ababcd", "endings that are not clear"),
    ],
)
def test_closed_forms(text: str, order: str, passed_over: str) -> None:
    letters = [word for word in text.split() if len(word) == 1 and word.isalpha()]
    played, unclear = playing_order(signs(text))
    assert "".join(letters[place] for place in played) == order
    assert unclear == passed_over


bars = st.builds(
    Signs,
    begins=st.booleans(),
    times=st.sampled_from([0, 0, 0, 2, 3, 10**9]),
    endings=st.sampled_from([frozenset(), frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 2})]),
    segno=st.booleans(),
    coda=st.booleans(),
    to_coda=st.booleans(),
    fine=st.booleans(),
    jump=st.sampled_from(["", "", "", "capo", "segno"]),
)


@given(st.lists(bars, max_size=12))
@settings(max_examples=500)
def test_no_bar_is_lost_and_none_is_played_for_ever(found: list[Signs]) -> None:
    order, _ = playing_order(found)
    assert set(order) == set(range(len(found)))
    assert max(Counter(order).values(), default=0) <= MOST_TIMES + 1


@given(st.lists(st.builds(Signs, begins=st.booleans(), segno=st.booleans(), fine=st.booleans()), max_size=12))
def test_signs_that_lead_nowhere_change_nothing(found: list[Signs]) -> None:
    assert playing_order(found) == (list(range(len(found))), "")


LEFT, RIGHT = '<barline location="left">{}</barline>', '<barline location="right">{}</barline>'


@st.composite
def tunes(draw: st.DrawFn) -> list[str]:
    """Draw measures with repeated sections, some of them with two endings."""
    steps = iter("CDEFGAB" * 5)

    def measure(left: str = "", right: str = "") -> str:
        return LEFT.format(left) * bool(left) + note(f"{next(steps)}4", 16) + RIGHT.format(right) * bool(right)

    back, forward = '<repeat direction="backward"/>', '<repeat direction="forward"/>'
    ending = '<ending number="{}" type="{}"/>'
    found = [measure()]
    for _ in range(draw(st.integers(1, 3))):
        inner = [measure() for _ in range(draw(st.integers(0, 1)))]
        if draw(st.booleans()):
            first = measure(ending.format(1, "start"), ending.format(1, "stop") + back)
            second = measure(ending.format(2, "start"), ending.format(2, "discontinue"))
            found += [measure(forward), *inner, first, second]
        else:
            found += [measure(forward), *inner, measure("", back)]
        found += [measure() for _ in range(draw(st.integers(0, 1)))]
    return [START + found[0], *found[1:]]


@given(tunes())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_music21_plays_the_same(tmp_path: Path, measures: list[str]) -> None:
    from music21 import converter

    piece = read(tmp_path, score(measures))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        played = converter.parse(tmp_path / "song.musicxml", forceSource=True).expandRepeats().flatten().notes
    assert [n.pitch for part in piece.parts for n in part.notes] == [n.pitch.midi for n in played]
    assert len(read_piece(tmp_path / "song.musicxml", as_written=True).parts[0].notes) == len(measures)


def directions(*texts: str) -> str:
    return "".join(f"<direction><direction-type>{text}</direction-type></direction>" for text in texts)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ('<sound fine="yes"/>', '<sound dacapo="yes"/>'),
        ("<words>Fine</words>", "<words> D.C. al\n Fine</words>"),
        ("<words>FINE.</words>", "<words>Da Capo</words>"),
        ("<segno/>|<words>fine</words>", "<words>D.S. al Fine.</words>"),
        ('<sound segno="a" fine="yes"/>', '<sound dalsegno="a"/>'),
    ],
)
def test_da_capo_and_dal_segno_in_sounds_and_words(tmp_path: Path, first: str, last: str) -> None:
    marked = [text if "<sound" in text else directions(*text.split("|")) for text in (first, last)]
    measures = [START + note("C4", 16) + marked[0], note("D4", 16) + marked[1]]
    assert heard(read(tmp_path, score(measures))) == "60@0+4 62@4+4 60@8+4"
    assert heard(read(tmp_path, score(measures), as_written=True)) == "60@0+4 62@4+4"


def test_metre_key_and_tempo_come_back_with_their_bars(tmp_path: Path) -> None:
    change = (
        "<attributes><key><fifths>2</fifths></key><time><beats>2</beats><beat-type>4</beat-type></time></attributes>"
    )
    slow, fast = '<sound tempo="60"/>', '<sound tempo="120"/>'
    key = "<attributes><key><fifths>0</fifths></key></attributes>"
    back = RIGHT.format('<repeat direction="backward"/>')
    piece = read(tmp_path, score([START + key + slow + note("C4", 16), change + fast + note("D4", 8) + back]))
    assert heard(piece) == "60@0+4 62@4+2 60@6+4 62@10+2"
    assert piece.metres == (Metre(0, 4, 4), Metre(4, 2, 4), Metre(6, 4, 4), Metre(10, 2, 4))
    assert [(t.onset, t.quarters_per_minute) for t in piece.tempos] == [(0, 60), (4, 120), (6, 60), (10, 120)]
    assert [(k.onset, k.fifths) for k in piece.key_signatures] == [(0, 0), (4, 2), (6, 0), (10, 2)]


@pytest.mark.parametrize("implicit", [(0,), ()])
def test_the_pickup_of_a_repeat_fills_up_the_last_bar(tmp_path: Path, implicit: tuple[int, ...]) -> None:
    back = RIGHT.format('<repeat direction="backward"/>')
    piece = read(
        tmp_path,
        score([START + note("G4", 4), note("C4", 16), note("D4", 12) + back, note("E4", 16)], implicit=implicit),
    )
    assert [(bar.number, bar.start) for bar in piece.bars()] == [(0, 0), (1, 1), (2, 5), (3, 9), (4, 13), (5, 16)]


def test_a_tie_leads_into_the_second_ending(tmp_path: Path) -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    first, second = (LEFT.format(f'<ending number="{n}" type="start"/>') for n in (1, 2))
    back = RIGHT.format('<ending number="1" type="stop"/><repeat direction="backward"/>')
    held = [
        START + note("C4", 16, after=start),
        first + note("C4", 16, after=stop) + back,
        second + note("C4", 8, after=stop),
    ]
    assert heard(read(tmp_path, score(held))) == "60@0+8 60@8+6"


def test_repeats_that_would_make_millions_of_notes_are_not_played(tmp_path: Path) -> None:
    back = RIGHT.format('<repeat direction="backward" times="16"/>')
    piece = read(tmp_path, score([START + note("C4", 1) * 50_000 + back]))
    assert len(piece.parts[0].notes) == 50_000
    assert piece.passed_over == "repeats, which make the piece too long"
