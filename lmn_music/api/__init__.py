"""What a command, a notebook and a test call: one function for each thing that a user wants to do.

The functions import torch and the rest of the package when they are called, so importing them is quick.
"""

from typing import TYPE_CHECKING

from lmn_music.api.arranging import harmonise, rewrite
from lmn_music.api.arranging_files import arrange_files
from lmn_music.api.auditing import audit_corpus
from lmn_music.api.composing import compose, compose_songs
from lmn_music.api.composing_files import compose_files
from lmn_music.api.continuing import continue_files, continue_piece, continue_pieces
from lmn_music.api.corpora import CorpusCheck, CorpusEntry, corpus_song, fetch_corpora, list_corpora, verify_corpora
from lmn_music.api.evaluating import evaluate, published_figures
from lmn_music.api.explaining import identify, surprise, surprise_files, surprise_scale
from lmn_music.api.exporting import export_onnx
from lmn_music.api.hearing import find_players, hear
from lmn_music.api.loading import load_model, open_corpus, resolve_device, shipped_models
from lmn_music.api.packing import PackedCorpus, pack_corpus
from lmn_music.api.ranking import rank_songs
from lmn_music.api.recipes import choose_recipe, recipe_names, recipe_text
from lmn_music.api.remembering import memory_reader, remembered
from lmn_music.api.reporting import report
from lmn_music.api.runs import RunStatus, last_checkpoint, list_runs, run_status
from lmn_music.api.streaming import open_port, play, stream
from lmn_music.api.sweep_report import sweep_report
from lmn_music.api.sweeping import sweep
from lmn_music.api.training import resume, resume_run, start_run, train
from lmn_music.api.tunes import sample_tune, sample_tunes
from lmn_music.lazy import lazily

if TYPE_CHECKING:  # what the functions return and take
    from lmn_music.evaluation.audit import Audit
    from lmn_music.evaluation.explaining.identification import Identification
    from lmn_music.evaluation.explaining.remembered import MemoryReader, Remembered
    from lmn_music.evaluation.explaining.surprise import Surprise
    from lmn_music.evaluation.figures import BeyondOneModel, Evaluation, SongsAtHand, WithoutRelatives
    from lmn_music.evaluation.song_report import Report
    from lmn_music.generation.arrangement import Arrangement
    from lmn_music.generation.composition import Composition
    from lmn_music.generation.ranking import Ranked
    from lmn_music.training.family import Stage
    from lmn_music.training.progress import StageProgress
    from lmn_music.training.run import Run

__all__ = [
    "Arrangement",
    "Audit",
    "BeyondOneModel",
    "Composition",
    "CorpusCheck",
    "CorpusEntry",
    "Evaluation",
    "Identification",
    "MemoryReader",
    "PackedCorpus",
    "Ranked",
    "Remembered",
    "Report",
    "Run",
    "RunStatus",
    "SongsAtHand",
    "Stage",
    "StageProgress",
    "Surprise",
    "WithoutRelatives",
    "arrange_files",
    "audit_corpus",
    "choose_recipe",
    "compose",
    "compose_files",
    "compose_songs",
    "continue_files",
    "continue_piece",
    "continue_pieces",
    "corpus_song",
    "evaluate",
    "export_onnx",
    "fetch_corpora",
    "find_players",
    "harmonise",
    "hear",
    "identify",
    "last_checkpoint",
    "list_corpora",
    "list_runs",
    "load_model",
    "memory_reader",
    "open_corpus",
    "open_port",
    "pack_corpus",
    "play",
    "published_figures",
    "rank_songs",
    "recipe_names",
    "recipe_text",
    "remembered",
    "report",
    "resolve_device",
    "resume",
    "resume_run",
    "rewrite",
    "run_status",
    "sample_tune",
    "sample_tunes",
    "shipped_models",
    "start_run",
    "stream",
    "surprise",
    "surprise_files",
    "surprise_scale",
    "sweep",
    "sweep_report",
    "train",
    "verify_corpora",
]

if not TYPE_CHECKING:  # a type checker would take every name, misspelt ones too, for one that exists
    __getattr__ = lazily(
        __name__,
        {
            "Arrangement": "generation.arrangement",
            "Audit": "evaluation.audit",
            "BeyondOneModel": "evaluation.figures",
            "Composition": "generation.composition",
            "Evaluation": "evaluation.figures",
            "Identification": "evaluation.explaining.identification",
            "MemoryReader": "evaluation.explaining.remembered",
            "Ranked": "generation.ranking",
            "Remembered": "evaluation.explaining.remembered",
            "Report": "evaluation.song_report",
            "Run": "training.run",
            "Stage": "training.family",
            "StageProgress": "training.progress",
            "Surprise": "evaluation.explaining.surprise",
            "SongsAtHand": "evaluation.figures",
            "WithoutRelatives": "evaluation.figures",
        },
    )
