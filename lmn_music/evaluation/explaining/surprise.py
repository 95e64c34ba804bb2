"""What surprises a model in a song, as one object that shows itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lmn_music.errors import UsageError
from lmn_music.evaluation.explaining.fit import standing
from lmn_music.evaluation.explaining.page import page
from lmn_music.evaluation.explaining.picture import draw
from lmn_music.evaluation.explaining.reading import NoteSurprise, Reading
from lmn_music.evaluation.explaining.table import write_table
from lmn_music.files import as_utf8, replacing
from lmn_music.formats.notebook import sound_and_score
from lmn_music.formats.picture import save
from lmn_music.music.piece import Piece
from lmn_music.words import counted


@dataclass(frozen=True, eq=False)
class Surprise(Reading):
    """What surprises a model in a song. In a notebook it shows itself: the page that `write` makes, sound
    and score.

    Attributes:
        piece: the song as it was given.
        model: the name of the model that reads.
        transposition: how far up the model reads the song, in semitones; all notes here are in the song's own key.
        test_nll: nats per frame of the model's test songs (or of its validation songs, if they are all that was
            measured); None if not known, or if the model does not read the frames that it was trained on.
        left_out: how many notes of the song are not read, as they sound between the model's frames.
    """

    piece: Piece
    model: str
    transposition: int
    test_nll: float | None
    left_out: int

    def __repr__(self) -> str:
        return f"<Surprise in {self.roll.title!r} for {self.model}: {self.nats_per_frame:.2f} nats per frame>"

    @property
    def nats_per_frame(self) -> float:
        """Return the mean over all frames."""
        return float(self.frame_nats.mean())

    def most_surprising(self, count: int = 10) -> list[NoteSurprise]:
        """Return the notes with the most surprising onsets, the most surprising one first.

        Args:
            count: at most so many.
        """
        return sorted(self.notes, key=lambda note: -note.onset)[:count]

    @property
    def title(self) -> str:
        """Return a heading."""
        return as_utf8(f"What surprises in {self.roll.title}" if self.roll.title else "What surprises in the song")

    @property
    def facts(self) -> list[str]:
        """Return how the song was read and how surprising it is, in a few sentences."""
        per_quarter = self.roll.frames_per_quarter
        frames = counted(per_quarter, "frame")
        moved = f"{counted(abs(self.transposition), 'semitone')} {'higher' if self.transposition > 0 else 'lower'}"
        key = f"which reads it {moved}" if self.transposition else "in its own key"
        facts = [
            f"Read by {as_utf8(self.model)}, {key}, {frames} per quarter note.",
            f"{self.nats_per_frame:.2f} nats per frame{standing(self.nats_per_frame, self.test_nll)}.",
        ]
        total = float(self.frame_nats.sum())
        if total > 0:
            begin, held, silent = (float(part.sum()) / total for part in self.parts)
            facts.append(
                f"Of all nats {begin:.0%} are notes that begin, {held:.0%} notes held, {silent:.0%} silent keys."
            )
        if self.left_out:
            facts.append(f"{counted(self.left_out, 'note')} between the frames cannot be read.")
        return facts

    def html(self) -> str:
        """Return a page of its own that needs no network: hover, arrow keys, light and dark."""
        return page(self, self.title, self.facts)

    def write(self, path: str | Path) -> None:
        """Write the surprise: .png a picture, .csv one row for each note, .html a page that answers when pointed at.

        Args:
            path: the file.

        Raises:
            UsageError: the file ends otherwise.
            LmnMusicError: it cannot be written.
        """
        check_suffix(path)
        WRITERS[Path(path).suffix.lower()](self, Path(path))

    def _repr_html_(self) -> str:
        style = "width:100%;height:40rem;border:0"
        page = f'<iframe style="{style}" title="{escape(self.title)}" srcdoc="{escape(self.html())}"></iframe>'
        return page + sound_and_score(self.piece)


def check_suffix(path: str | Path) -> None:
    """Raise UsageError unless the suffix is one that `Surprise.write` knows."""
    if Path(path).suffix.lower() not in WRITERS:
        name = as_utf8(Path(path).name)
        raise UsageError(f"cannot tell from the name {name!r} what to write: end it with one of {', '.join(WRITERS)}")


def _write_picture(surprise: Surprise, path: Path) -> None:
    save(draw(surprise, f"{surprise.title} for {surprise.model}: {surprise.nats_per_frame:.2f} nats per frame"), path)


def _write_page(surprise: Surprise, path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(surprise.html(), encoding="utf-8")


WRITERS: dict[str, Callable[[Surprise, Path], None]] = {
    ".png": _write_picture,
    ".csv": write_table,
    ".html": _write_page,
}
