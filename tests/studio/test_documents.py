"""A piece goes to the page and comes back as it was."""

import json

from hypothesis import assume, given

from lmn_music.studio.documents import LONGEST, PieceData, data_of
from lmn_music.studio.reading import read_upload
from tests.music.helpers import pieces


@given(pieces())
def test_a_piece_comes_back_as_it_was(piece):
    assume(piece.length <= LONGEST)
    sent = json.loads(json.dumps(data_of(piece)))
    back = PieceData.model_validate(sent["piece"]).piece()
    assert back == piece
    assert [int(number) for number, _, _ in sent["bars"]] == [bar.number for bar in piece.bars()]


def test_a_file_has_its_name_on_the_page_and_says_nothing_in_the_terminal(caplog):
    answer = read_upload("my tunes\\jigs.abc", b"X:1\nK:C\nCDEF|\n\nX:2\nK:C\nGABc|\n")
    assert answer["piece"]["title"] == "jigs 1"
    assert answer["passed_over"] == "all songs but the first of 2"
    assert caplog.messages == []
