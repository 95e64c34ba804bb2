"""What the fuzzer calls: each reader of something that a stranger may have made, with inputs to begin with.

A target returns nothing, whatever it is given; any exception but an error of ours is a fault of ours.
"""

import io
import pickle
import shutil
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from lmn_music.corpora.benchmark import DAMAGE
from lmn_music.corpora.pitch_pickle import read_pitches
from lmn_music.errors import LmnMusicError
from lmn_music.formats import kern_worker, write_roll
from lmn_music.formats.encodings import as_text
from lmn_music.formats.played import play
from lmn_music.formats.registry import FORMATS
from lmn_music.formats.written_score import WrittenScore
from lmn_music.models.build import build
from lmn_music.models.checkpoint import CorpusInfo, Header, load_checkpoint
from lmn_music.models.config import ModelConfig
from lmn_music.training.folder import read_config
from lmn_music.training.recipe import load_recipe, parse_recipe, recipe_names
from lmn_music.training.state import load_state
from tests.fuzz.seeds import CONTAINER, RUN, SCORE, SPINES, TUNES
from tests.helpers import make_roll

INPUTS = Path(__file__).parent / "inputs.tar.xz"  # of all targets
CONFIG = ModelConfig(hidden_size=3, memory_size=3)


def load(target):
    """Return the inputs that are kept for a target."""
    if not INPUTS.exists():
        return []
    with tarfile.open(INPUTS) as archive:
        return [archive.extractfile(one).read() for one in archive.getmembers() if one.name.startswith(f"{target}/")]


def store(target, inputs):
    """Keep inputs for a target, in the place of those that are kept."""
    kept = {name: inputs if name == target else load(name) for name in TARGETS}
    with tarfile.open(INPUTS, "w:xz") as archive:
        for name, each in kept.items():
            for number, data in enumerate(each):
                entry = tarfile.TarInfo(f"{name}/{number:03d}")  # of no time: the same inputs give the same file
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


class Target:
    """A reader.

    Attributes:
        title: for the page.
        seconds: of the processor that an input may take.
    """

    def __init__(self, title, read, seeds, errors=LmnMusicError, seconds=2):
        self.title, self.read, self.seeds, self.errors, self.seconds = title, read, seeds, errors, seconds

    def prepare(self):
        """Read once, so that what is imported late is there."""
        for data in self.seeds():
            self(data)

    def __call__(self, data):
        with suppress(self.errors):
            self.read(data)


def written(suffix):
    """Return files that we write, of a few notes."""
    with tempfile.TemporaryDirectory() as folder:
        for number, length in enumerate((2, 12)):
            write_roll(make_roll(length, number, frames_per_quarter=2), Path(folder) / f"{number}{suffix}")
        return [path.read_bytes() for path in sorted(Path(folder).iterdir())]


def score(suffix):
    def read(data):
        entry = FORMATS[suffix]
        if len(data) <= entry.max_bytes:
            for song in entry.split(data).values() if entry.split else [data]:
                entry.read(song, "title").roll(2)

    return read


def read_kern(data):
    """Read as the process does that `lmn_music.formats.kern` asks, in this one."""
    play(WrittenScore.from_lists(kern_worker.answer(as_text(data))), "title", as_written=False).roll(2)


def packed(entries):
    """Return a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


# --- formats inside others


def npz_of(frames):
    """Read a .npz whose frames are these bytes."""
    return score(".npz")(packed(NPZ | {"frames.npy": frames}))


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


NPZ = {"frames_per_quarter.npy": npy(np.int64(2)), "title.npy": npy(np.str_("a song"))}


def mxl_seeds():
    return [packed({"META-INF/container.xml": CONTAINER, "s.xml": SCORE})]


# --- what trainings leave


def header():
    corpus = CorpusInfo(name="x", source="x", sha256="0", provenance="test", comparable=False, frames_per_quarter=2)
    values = {
        "model": CONFIG,
        "corpus": corpus,
        "recipe": {},
        "seed": 3,
        "command": "train",
        "figures": {"valid_nll": 1.5},
    }
    return Header(**values).model_dump_json().encode()


def weights():
    torch.manual_seed(0)
    return dict(build(CONFIG).state_dict())


def checkpoint_of(text):
    return save(weights(), metadata={"lmn_music": text.decode(errors="replace")})


class Place:
    """A folder in which a file is put and read; memory, where the system has such a place."""

    def __init__(self, name, read):
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
        self.name, self.read = name, read

    def __del__(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, data):
        (self.folder / self.name).write_bytes(data)
        self.read(self.folder)


def place(name, read):
    made = []

    def call(data):
        if not made:
            made.append(Place(name, read))
        made[0](data)

    return call


read_checkpoint = place("x.safetensors", lambda folder: load_checkpoint(folder / "x.safetensors"))
read_state = place("state.pt", load_state)


def state():
    content = io.BytesIO()
    torch.save(
        {"stage": "lmn", "metrics_lines": 1, "trainer": {"model": {"w": torch.zeros(2, 3)}, "best": {}}}, content
    )
    return content.getvalue()


def state_of(data):
    """Read a state.pt whose pickle is these bytes."""
    with zipfile.ZipFile(io.BytesIO(state())) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    read_state(packed({name: data if name.endswith("data.pkl") else entry for name, entry in entries.items()}))


def state_seeds():
    with zipfile.ZipFile(io.BytesIO(state())) as archive:
        return [archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))]


def recipes():
    texts = [load_recipe(name).model_dump_json().encode() for name in recipe_names()]
    return [b'start = "laes"\n[model]\nmetre = [2, 4]\n[training]\nepochs = 3\n', *(text[:300] for text in texts)]


def pitches():
    songs = {split: [[(60, 64), ()], [(21,)]] for split in ("train", "valid", "test")}
    return [pickle.dumps(songs, protocol) for protocol in (0, 2, 4)]


TARGETS = {
    "midi": Target("MIDI", score(".mid"), lambda: written(".mid")),
    "musicxml": Target("MusicXML", score(".musicxml"), lambda: [SCORE, *written(".musicxml")]),
    "mxl": Target("MusicXML, packed (.mxl)", score(".mxl"), mxl_seeds),
    "abc": Target("ABC", score(".abc"), lambda: TUNES),
    "kern": Target("Humdrum", read_kern, lambda: [SPINES], seconds=10),
    "npz": Target("piano-roll (.npz)", score(".npz"), lambda: written(".npz")),
    "npz-frames": Target("piano-roll: the array in it", npz_of, lambda: [npy(np.zeros((3, 88), dtype=np.uint8))]),
    "checkpoint": Target("checkpoint", read_checkpoint, lambda: [save({}), checkpoint_of(header())]),
    "header": Target(
        "checkpoint: our header in it", lambda data: read_checkpoint(checkpoint_of(data)), lambda: [header()]
    ),
    "state": Target("state.pt", read_state, lambda: [state()]),
    "state-pickle": Target("state.pt: the pickle in it", state_of, state_seeds),
    "config": Target("config.toml", place("config.toml", read_config), lambda: [RUN]),
    "recipe": Target("recipe", lambda data: parse_recipe(data.decode(errors="replace")), recipes),
    "pickle": Target("benchmark pickle", read_pitches, pitches, errors=(*DAMAGE,)),
}
