"""Errors that a user can cause. Each message says what to do next; the command line prints it in one line."""

from __future__ import annotations


class LmnMusicError(Exception):
    """Base of every error that a user can cause. `str(error)` is one sentence that says what to do next."""


class UsageError(LmnMusicError):
    """A name, option or value that does not exist or does not fit; the command line leaves with exit code 2."""


class CorpusError(LmnMusicError):
    """A corpus cannot be found, fetched, verified or read."""


class CorpusUnavailableError(CorpusError):
    """A benchmark file is neither on this machine nor can be downloaded; a stand-in may be offered instead."""


class ScoreError(LmnMusicError):
    """A file of music cannot be read as a piano-roll.

    Attributes:
        reason: the short reason, without the name of the file.
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason or message


class WritingError(LmnMusicError):
    """The operating system refuses to write a file.

    Attributes:
        fault: what it refuses and why, without what to do next.
    """

    def __init__(self, fault: str, advice: str = "choose another place") -> None:
        super().__init__(f"{fault}: {advice}")
        self.fault = fault

    def __reduce__(self) -> tuple[type[WritingError], tuple[str, str]]:
        """Return what pickle needs: the message is made of two parts."""
        return WritingError, (self.fault, str(self).removeprefix(f"{self.fault}: "))


class RenderingError(LmnMusicError):
    """A piano-roll cannot be written in the form asked for."""


class CheckpointError(LmnMusicError):
    """A checkpoint or run folder is missing, damaged or of another format."""


class TrainingError(LmnMusicError):
    """Training cannot start or continue: nothing to train on, or a loss that is not finite."""


class GenerationError(LmnMusicError):
    """No acceptable song could be sampled."""
