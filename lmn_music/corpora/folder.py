"""A folder of a user's own files of music as a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lmn_music.corpora.corpus import SAME_MUSIC, SPLITS, Corpus, Rejected, content_sha256
from lmn_music.errors import CorpusError, ScoreError
from lmn_music.files import as_utf8, printable
from lmn_music.formats import read_piece, readable, readable_labels
from lmn_music.formats.score import songs_in
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.tonality import transpose_to_c as to_c
from lmn_music.words import counted

DEFAULT_FRAMES_PER_QUARTER = 2  # eighth notes
MINIMUM_FRAMES = 16  # of a song
BORDERS = (0.8, 0.9)  # train below the first, valid between them, test above
FEWEST_SONGS = len(SPLITS)
MOST_FRAMES = 20_000_000  # of all songs together, 1.8 GB: a file of 36 bytes may claim 100,000
REASONS_SHOWN = 5  # in the message of an error; the corpus lists all


def load_folder(
    path: Path,
    *,
    frames_per_quarter: int = DEFAULT_FRAMES_PER_QUARTER,
    transpose_to_c: bool = False,
    minimum_frames: int = MINIMUM_FRAMES,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Return the music in the folder and its subfolders: about 80 % for train, 10 % each for valid and test.

    The split of a song depends on its music alone: neither a new name nor another file beside it moves the song. Only
    where a split would be empty, which happens to small corpora, is the song nearest to that split moved there; so
    files added to a small corpus, or removed from it, may move a song from one split to another.

    A file that cannot be used is listed in `rejected`, and the others are read all the same; one in which something was
    passed over is also listed in `in_part`. Hidden files and folders are ignored. Of several files with the same music,
    the first is read.

    Args:
        path: the folder.
        frames_per_quarter: the number of frames that a quarter note lasts in every roll.
        transpose_to_c: whether each song is transposed to C major or C minor, as the benchmark corpora are.
        minimum_frames: shorter songs are left out.
        progress: called with (files read, files in all) after each file.

    Raises:
        CorpusError: there is no such folder, or it holds fewer than three usable songs, or too many frames.
    """
    path = Path(path)
    if not path.is_dir():
        raise CorpusError(f"there is no folder {path}: name a folder that holds {readable_labels()} files")
    files = files_of(path)
    first_with: dict[str, str] = {}  # the hash of the music -> the file that it was first found in
    rolls: dict[str, PianoRoll] = {}
    rejected: list[Rejected] = []
    in_part: list[Rejected] = []
    frames = 0
    for count, file in enumerate(files, start=1):
        name = printable(file.relative_to(path).as_posix())
        try:
            roll, passed_over = read_song(
                file,
                frames_per_quarter=frames_per_quarter,
                transpose_to_c=transpose_to_c,
                minimum_frames=minimum_frames,
            )
        except ScoreError as error:
            rejected.append(Rejected(name, error.reason))
        else:
            music = content_sha256([roll])
            if music in rolls:
                rejected.append(Rejected(name, f"{SAME_MUSIC} {first_with[music]}"))
            else:
                rolls[music], first_with[music] = roll, name
                frames += len(roll)
                if passed_over:
                    in_part.append(Rejected(name, f"passed over {passed_over}"))
        if frames > MOST_FRAMES:
            raise CorpusError(
                f"the folder {path} holds more than {MOST_FRAMES} frames, in {counted(count, 'file')} of {len(files)}: "
                "use fewer `frames_per_quarter`, or train on a part of it"
            )
        if progress is not None:
            progress(count, len(files))
    if len(rolls) < FEWEST_SONGS:
        raise CorpusError(_too_few(path, len(rolls), rejected))
    train, valid, test = _split(rolls)
    folder = as_utf8(path.resolve().name)
    key = ", transposed to C" if transpose_to_c else ""
    return Corpus(
        name=folder,
        train=train,
        valid=valid,
        test=test,
        frames_per_quarter=frames_per_quarter,
        provenance=f"{len(rolls)} of {len(files)} files in the folder {folder}{key}",
        sha256=content_sha256(train, valid, test),
        comparable=False,
        licence="the licence of the files",
        citation="none: files of the user's own",
        rejected=tuple(rejected),
        in_part=tuple(in_part),
        source=as_utf8(str(path.resolve())),
        to_c=transpose_to_c,
    )


def files_of(folder: Path) -> list[Path]:
    """Return every song in the folder and its subfolders that is not hidden, whether or not it can be read, sorted.

    Args:
        folder: the folder.

    Returns:
        Paths as `read_piece` takes them: of a file with several songs one for each.
    """
    found = [file for file in folder.rglob("*") if not file.is_dir()]
    shown = sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))
    return [song for file in shown for song in songs_in(file)]


def read_song(
    file: Path, *, frames_per_quarter: int, transpose_to_c: bool, minimum_frames: int
) -> tuple[PianoRoll, str]:
    """Return the song of a file as a corpus holds it, and what was passed over in the file.

    Args:
        file: one of `files_of`.
        frames_per_quarter: see `load_folder`, also for the other arguments.
        transpose_to_c: whether the song is transposed to C.
        minimum_frames: how many frames it must have.

    Raises:
        ScoreError: the file cannot be read, or the song is too short.
    """
    piece = read_piece(file, quiet=True)
    roll = piece.sounding(frames_per_quarter)
    if len(roll) < minimum_frames:
        reason = f"too short ({len(roll)} frames, fewer than {minimum_frames})"
        raise ScoreError(f"{file} is {reason}", reason)
    return to_c(roll) if transpose_to_c else roll, piece.passed_over


def _split(rolls: dict[str, PianoRoll]) -> tuple[tuple[PianoRoll, ...], ...]:
    """Return train, valid and test, none of them empty, each in the order of `rolls` (three songs or more, by hash)."""
    train_end, valid_end = (border * 2**64 for border in BORDERS)
    splits: list[list[str]] = [[], [], []]
    for music in sorted(rolls):
        place = int(music[:16], 16)  # evenly spread over [0, 2^64)
        splits[(place >= train_end) + (place >= valid_end)].append(music)
    for number, split in enumerate(splits):
        if not split:
            donor = max(range(len(splits)), key=lambda other: len(splits[other]))
            split.append(splits[donor].pop(-1 if donor < number else 0))  # the song next to the border
    return tuple(tuple(roll for music, roll in rolls.items() if music in split) for split in map(set, splits))


def _too_few(path: Path, usable: int, rejected: list[Rejected]) -> str:
    """Return the message about a folder with fewer usable songs than splits."""
    message = f"the folder {path} holds {usable} usable songs, but a corpus needs {FEWEST_SONGS} (train, valid, test)"
    if rejected:
        reasons = "; ".join(f"{file.path}: {file.reason}" for file in rejected[:REASONS_SHOWN])
        more = f"; and {len(rejected) - REASONS_SHOWN} more" if len(rejected) > REASONS_SHOWN else ""
        message += f". Left out: {reasons}{more}"
    return f"{message}. Add {readable()} files with notes in them"
