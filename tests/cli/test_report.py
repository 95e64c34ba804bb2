"""`lmn-music report`, as a user types it."""

import json
from pathlib import Path

from lmn_music.formats import write_roll
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll


def test_a_song_beside_a_folder(tunes):
    write_roll(make_roll(16, 99, frames_per_quarter=2), "new.mid")
    output = lmn_music("report", "new.mid", "--corpus", tunes, "--to-c")
    assert "1 song beside the 1 test song of tunes" in output
    assert "voices, where any key sounds" in output
    assert "  new: " in output


def test_a_copy_is_found(tunes):
    for number in range(12):
        lmn_music("report", tunes / f"{number}.mid", "--corpus", tunes)
    output = lmn_music("report", *sorted(tunes.glob("[0-9]*.mid")), "--corpus", tunes)
    assert "12 songs beside" in output
    copies = [line for line in output.splitlines() if "frames) in bars 1 to" in line and "transposed" not in line]
    assert len(copies) >= 8  # the training songs themselves


def test_as_json_and_as_a_picture_with_a_model(run_folder):
    output = lmn_music("report", "tunes/3.mid", "--corpus", "tunes", "--model", run_folder, "--json", "--out", "r.png")
    found = json.loads(output)
    assert found["model"] == "run"
    assert [row["unit"] for row in found["rows"]][-2:] == ["nats", "chords"]
    assert Path("r.png").stat().st_size > 1000


def test_what_cannot_be_read_is_said():
    assert "no such file" in lmn_music("report", "nothing.mid", "--corpus", "chorales", code=1)
    assert "there is no corpus" in lmn_music("report", "nothing.mid", "--corpus", "nonsense", code=2)
