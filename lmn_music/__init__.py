"""Symbolic music with Linear Memory Networks: corpora, models, exact likelihoods, new songs.

Every public name is imported when it is first used, so `import lmn_music` is quick and loads no torch.

    import lmn_music

    model = lmn_music.load_model("jsb")
    song = lmn_music.compose(model, bars=16, seed=1)
    lmn_music.write_roll(song, "song.mid")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmn_music.errors import LmnMusicError
from lmn_music.lazy import lazily
from lmn_music.version import __version__

if TYPE_CHECKING:
    from lmn_music import api
    from lmn_music.api import (
        compose,
        compose_songs,
        continue_piece,
        evaluate,
        harmonise,
        identify,
        load_model,
        report,
        resume,
        rewrite,
        stream,
        surprise,
        train,
    )
    from lmn_music.corpora import Corpus, load_corpus
    from lmn_music.evaluation.explaining.identification import Identification
    from lmn_music.evaluation.explaining.surprise import Surprise
    from lmn_music.evaluation.figures import Evaluation
    from lmn_music.evaluation.song_report import Report
    from lmn_music.formats import read_piece, read_score, write_piece, write_roll
    from lmn_music.formats.audio import synthesize
    from lmn_music.generation.arrangement import Arrangement
    from lmn_music.generation.composition import Composition
    from lmn_music.memory.laes import LinearAutoencoder
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.models.networks.gated import GatedLMN
    from lmn_music.models.networks.lmn import LMN
    from lmn_music.models.networks.multiscale import MultiScaleLMN
    from lmn_music.models.networks.parallel import LMNStack, ParallelLMN
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

__all__ = [
    "LMN",
    "Arrangement",
    "Checkpoint",
    "Composition",
    "Corpus",
    "Evaluation",
    "GatedLMN",
    "Identification",
    "LMNStack",
    "LinearAutoencoder",
    "LmnMusicError",
    "MultiScaleLMN",
    "ParallelLMN",
    "PianoRoll",
    "Piece",
    "Report",
    "Surprise",
    "__version__",
    "api",
    "compose",
    "compose_songs",
    "continue_piece",
    "evaluate",
    "harmonise",
    "identify",
    "load_corpus",
    "load_model",
    "read_piece",
    "read_score",
    "report",
    "resume",
    "rewrite",
    "stream",
    "surprise",
    "synthesize",
    "train",
    "write_piece",
    "write_roll",
]

if not TYPE_CHECKING:  # a type checker would take every name, misspelt ones too, for one that exists
    # The module of every public name that is not imported above.
    _MODULES = {
        "LMN": "models.networks.lmn",
        "Arrangement": "generation.arrangement",
        "Checkpoint": "models.checkpoint",
        "Composition": "generation.composition",
        "Corpus": "corpora",
        "Evaluation": "evaluation.figures",
        "GatedLMN": "models.networks.gated",
        "Identification": "evaluation.explaining.identification",
        "LMNStack": "models.networks.parallel",
        "LinearAutoencoder": "memory.laes",
        "MultiScaleLMN": "models.networks.multiscale",
        "ParallelLMN": "models.networks.parallel",
        "PianoRoll": "music.pianoroll",
        "Piece": "music.piece",
        "Report": "evaluation.song_report",
        "Surprise": "evaluation.explaining.surprise",
        "api": "api",
        "compose": "api",
        "compose_songs": "api",
        "continue_piece": "api",
        "evaluate": "api",
        "harmonise": "api",
        "identify": "api",
        "load_corpus": "corpora",
        "load_model": "api",
        "read_piece": "formats",
        "read_score": "formats",
        "report": "api",
        "resume": "api",
        "rewrite": "api",
        "stream": "api",
        "surprise": "api",
        "synthesize": "formats.audio",
        "train": "api",
        "write_piece": "formats",
        "write_roll": "formats",
    }

    __getattr__ = lazily(__name__, _MODULES)

    def __dir__() -> list[str]:
        """Return the public names and what is imported already."""
        return sorted({*globals(), *__all__})
