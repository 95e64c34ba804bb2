"""Symbolic music with Linear Memory Networks: corpora, models, exact likelihoods, new songs."""

__version__ = "0.1.0"
