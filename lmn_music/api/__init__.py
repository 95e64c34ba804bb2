"""What a command, a notebook and a test call: one function for each thing that a user wants to do.

The functions import torch and the rest of the package when they are called, so importing them is quick.
"""

from typing import TYPE_CHECKING

from lmn_music.api.composing import compose, compose_songs
from lmn_music.api.composing_files import compose_files
from lmn_music.api.corpora import CorpusCheck, CorpusEntry, corpus_song, fetch_corpora, list_corpora, verify_corpora
from lmn_music.api.evaluating import evaluate, published_figures
from lmn_music.api.explaining import identify, surprise, surprise_files
from lmn_music.api.loading import load_model, open_corpus, resolve_device
from lmn_music.api.ranking import rank_songs
from lmn_music.api.recipes import choose_recipe, recipe_names, recipe_text
from lmn_music.api.reporting import report
from lmn_music.api.streaming import open_port, play, stream
from lmn_music.api.training import resume, resume_run, start_run, train

if TYPE_CHECKING:  # what the functions return and take
    from lmn_music.evaluation.explaining.identification import Identification as Identification
    from lmn_music.evaluation.explaining.surprise import Surprise as Surprise
    from lmn_music.evaluation.music_report import Report as Report
    from lmn_music.evaluation.report import BeyondOneModel as BeyondOneModel
    from lmn_music.evaluation.report import Evaluation as Evaluation
    from lmn_music.generation.ranking import Ranked as Ranked
    from lmn_music.training.family import Stage as Stage
    from lmn_music.training.progress import StageProgress as StageProgress
    from lmn_music.training.run import Run as Run

__all__ = [
    "CorpusCheck",
    "CorpusEntry",
    "choose_recipe",
    "compose",
    "compose_files",
    "compose_songs",
    "corpus_song",
    "evaluate",
    "fetch_corpora",
    "identify",
    "list_corpora",
    "load_model",
    "open_corpus",
    "open_port",
    "play",
    "published_figures",
    "rank_songs",
    "recipe_names",
    "recipe_text",
    "report",
    "resolve_device",
    "resume",
    "resume_run",
    "start_run",
    "stream",
    "surprise",
    "surprise_files",
    "train",
    "verify_corpora",
]
