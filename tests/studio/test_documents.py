"""A piece goes to the page and comes back as it was."""

import json

from hypothesis import assume, given

from lmn_music.studio.documents import LONGEST, PieceData, data_of
from tests.music.helpers import pieces


@given(pieces())
def test_a_piece_comes_back_as_it_was(piece):
    assume(piece.length <= LONGEST)
    sent = json.loads(json.dumps(data_of(piece)))
    back = PieceData.model_validate(sent["piece"]).piece()
    assert back == piece
    assert [int(number) for number, _, _ in sent["bars"]] == [bar.number for bar in piece.bars()]
