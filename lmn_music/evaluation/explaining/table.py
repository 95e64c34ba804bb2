"""The notes of a reading as a table (.csv)."""

from __future__ import annotations

import csv
from pathlib import Path

from lmn_music.evaluation.explaining.reading import Reading
from lmn_music.files import replacing
from lmn_music.music.pianoroll import LOWEST_PITCH, pitch_name

COLUMNS = ("bar", "beat", "note", "pitch", "quarters", "nats", "onset_nats", "continuation_nats", "expected_instead")


def write_table(reading: Reading, path: Path) -> None:
    """Write one row for each note, in the order of time.

    `bar` and `beat` are as in `Reading.place`; `pitch` is the MIDI number, `quarters` the length in quarter notes,
    `nats` the sum of the next two columns, `expected_instead` up to three other keys that were likely in the note's
    first frame, each with its chance.

    Args:
        reading: what to write.
        path: the file.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    per_quarter = reading.roll.frames_per_quarter
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for note in reading.notes:
            rows.writerow(
                [
                    *reading.place(note.start),
                    pitch_name(note.key),
                    note.key + LOWEST_PITCH,
                    f"{(note.end - note.start) / per_quarter:.6g}",
                    *(f"{nats:.4f}" for nats in (note.nats, note.onset, note.continuation)),
                    "; ".join(f"{pitch_name(key)} {chance:.0%}" for key, chance in reading.expected(note.start)),
                ]
            )
