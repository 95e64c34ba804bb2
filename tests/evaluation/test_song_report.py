"""Reports: that measures stand beside the test songs', and that what is shared is named."""

import json
import math

import pytest
from matplotlib.image import imread

import lmn_music
from lmn_music.errors import UsageError
from lmn_music.evaluation.compare_songs import common_run, make_report
from lmn_music.evaluation.song_report import Report, Row
from lmn_music.evaluation.song_report_picture import FURTHEST, draw_report
from lmn_music.music.measures import MEASURES
from lmn_music.music.pianoroll import PianoRoll
from tests.helpers import make_roll


def test_the_test_songs_lie_inside_themselves(small_corpus):
    report = make_report(small_corpus.test, small_corpus)
    assert len(report.rows) == len(MEASURES) + 1
    assert all(row.distance == 0 for row in report.rows)
    assert all(row.inside for row in report.rows)
    assert report.songs == ("song 10", "song 11")


def test_other_music_lies_outside(small_corpus):
    one_key = [PianoRoll(make_roll(20, seed).frames[:1].repeat(20, axis=0), 1) for seed in range(2)]
    rows = {row.name: row for row in make_report(one_key, small_corpus).rows}
    assert rows["longest hold of a song"].songs == (20,)
    assert rows["longest hold of a song"].inside is False
    steps = rows["steps of the top voice"]
    assert steps.inside is None
    assert math.isnan(steps.distance)
    assert steps.cells()[3:] == ("-", steps.cells()[4], "")


def test_what_is_shared_is_named(small_corpus):
    copy = small_corpus.train[5].transposed(3)
    (origin,) = make_report([copy], small_corpus).origins
    assert (origin.source, origin.frames, origin.semitones) == ("song 5", 14, 3)
    assert (origin.bars, origin.source_bars) == ((1, 4), (1, 4))
    assert origin.long
    assert "in bars 1 to 4, as in bars 1 to 4 of song 5, transposed by +3 semitones" in str(origin)
    (origin,) = make_report([PianoRoll(copy.frames[:, ::-1], 1, "new")], small_corpus).origins
    assert not origin.long


def test_a_run_is_common_if_95_of_100_songs_have_no_longer_one():
    assert common_run([*range(1, 101)]) == 96
    assert common_run([3]) == 3


def test_the_likelihood_is_a_measure_too(small_corpus):
    model = lmn_music.load_model("jsb", device="cpu")
    row = make_report(small_corpus.test[:1], small_corpus, model).rows[-2]
    assert row.unit == "nats"
    assert row.songs[0] == pytest.approx(lmn_music.evaluate(model, _only(small_corpus, 1)).nll, rel=1e-5)


def _only(corpus, songs):
    from dataclasses import replace

    return replace(corpus, test=corpus.test[:songs])


def test_it_shows_itself(small_corpus):
    report = lmn_music.report([PianoRoll(make_roll(9).frames, 1, "<b>")], small_corpus)
    assert isinstance(report, lmn_music.Report)
    assert "1 song beside the 2 test songs of small" in str(report)
    assert "<td>inside</td>" in report._repr_html_()
    assert "<b>:" not in report._repr_html_()
    assert Report.model_validate_json(report.model_dump_json().replace("null", '"nan"')).songs == report.songs
    assert json.loads(report.model_dump_json())["corpus"] == "small"


def test_its_picture(small_corpus, tmp_path):
    report = lmn_music.report(make_roll(30, 77), small_corpus, out=tmp_path / "report.png")
    assert imread(tmp_path / "report.png").shape[1] > 1000
    distances = draw_report(report).axes[0]
    assert len(distances.patches) == 1 + sum(row.inside is not None for row in report.rows)
    assert max(bar.get_width() for bar in distances.patches) <= FURTHEST
    with pytest.raises(UsageError, match=r"a \.png file"):
        lmn_music.report(make_roll(3), small_corpus, out="report.mid")


def test_what_cannot_be_compared_is_refused(small_corpus):
    with pytest.raises(UsageError, match="nothing to compare"):
        make_report([], small_corpus)
    with pytest.raises(UsageError, match="nothing to compare"):
        make_report([make_roll(3)], _only(small_corpus, 0))
    with pytest.raises(UsageError, match="song 0 has 2 frames per quarter note; give it 1"):
        lmn_music.report(make_roll(3, frames_per_quarter=2), small_corpus)


@pytest.mark.parametrize(("shared", "inside"), [(2.0, True), (5.9, True), (6.1, False)])
def test_to_copy_less_is_not_outside(shared: float, inside: bool):
    row = Row(name="", unit="chords", bins=(), songs=(shared,), test=(5.0,), distance=abs(shared - 5.0), spread=1.0)
    assert row.inside is inside
    assert row.model_copy(update={"unit": "keys"}).inside is (row.distance <= 1)
