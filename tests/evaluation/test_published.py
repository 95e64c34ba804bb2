"""The figures of the literature carry their verification."""

import pytest

from lmn_music.evaluation.published import TAGS, published_rows


@pytest.mark.parametrize("corpus", ["jsb", "nottingham", "muse", "piano"])
def test_every_row_has_a_plausible_figure_and_a_tag(corpus):
    rows = published_rows(corpus)
    assert len(rows) >= 10
    for row in rows:
        assert 1 < row.nll(corpus) < 10
        assert row.tag_for(corpus) in TAGS


def test_single_figures_may_have_a_tag_of_their_own():
    (row,) = (row for row in published_rows("nottingham") if row.model.startswith("RNN-RBM"))
    assert (row.tag_for("nottingham"), row.tag_for("jsb")) == ("S", "M")


def test_unknown_corpora_have_no_figures():
    assert published_rows("chorales") == []
