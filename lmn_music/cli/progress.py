"""What long work shows: of a training a live line on a terminal and plain lines elsewhere; else how much is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lmn_music.cli.printing import say
from lmn_music.files import printable
from lmn_music.processes import torchrun_rank

if TYPE_CHECKING:
    from lmn_music.api import Stage, StageProgress


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, 3:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@contextmanager
def counting(what: str, unit: str, *, show: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Give a function of (done, in all) that shows how much is done and how much time is left.

    Args:
        what: what is done, such as "reading".
        unit: what is counted, such as "files".
        show: whether to show it. It is shown on a terminal's standard error only.

    Yields:
        The function; nothing is shown before it is called first, nor after all is done.
    """
    from tqdm import tqdm

    show = show and not torchrun_rank()
    with ExitStack() as shown:
        bar: tqdm[Any] | None = None

        def progress(done: int, in_all: int) -> None:
            nonlocal bar
            if bar is None:
                bar = tqdm(desc=what, unit=f" {unit}", total=in_all, leave=False, disable=None if show else True)
                shown.enter_context(bar)
            bar.update(done - bar.n)
            if done == in_all:
                bar.close()

        yield progress


class TrainingDisplay:
    """A Reporter (see `lmn_music.training.reporter`) for the command line; a context manager.

    Attributes:
        lost: why nothing can be shown any more, such as a reader that has left or a full disk; None as long as it can.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.lost: OSError | None = None
        self._console = console or Console(stderr=False, highlight=False)
        self._live = Live(console=self._console, transient=True) if self._console.is_terminal else None
        self._stage, self._stage_start, self._stage_done = "", 0.0, 0.0
        self._stages: Sequence[Stage] = ()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            with suppress(OSError):
                self._live.stop()

    def begin(self, stages: Sequence[Stage]) -> None:
        """Note what is ahead: the time left and the names of the stages depend on it."""
        self._stages = stages

    def batch(self, stage: str, progress: StageProgress, batches: int, epochs: int) -> None:
        """Refresh the live line: likelihood so far, and the time left if no stage stops early.

        Epochs of later stages are taken to last as long as those of this one.
        """
        if not self._live:
            return
        done = progress.epoch + progress.batch / batches
        if stage != self._stage:
            self._stage, self._stage_start, self._stage_done = stage, time.monotonic(), done
        best = f", best {progress.best_valid:.3f}" if progress.best_epoch else ""
        left = ""
        if done > self._stage_done:
            rate = (time.monotonic() - self._stage_start) / (done - self._stage_done)
            names = [ahead.name for ahead in self._stages]
            later = self._stages[names.index(stage) + 1 :] if stage in names else ()
            more = sum(ahead.training.epochs for ahead in later)
            left = f", {'about' if later else 'at most'} {clock(rate * (epochs - done + more))} left"
        self._live.update(  # drawn by a thread of its own
            Text(
                f"{self._title(stage)} {progress.epoch + 1}/{epochs}, batch {progress.batch}/{batches}: "
                f"{progress.nll_sum / progress.frames:.3f} nats per frame{best}{left}",
                no_wrap=True,
                overflow="ellipsis",
            )
        )

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Print one line."""
        self._print(
            f"{self._title(metrics['stage']):>14} epoch {metrics['epoch']:3d}  training {metrics['train_nll']:7.3f}  "
            f"validation {metrics['valid_nll']:7.3f}{' *' if metrics['best'] else '  '}  {clock(metrics['seconds'])}"
        )

    def note(self, text: str) -> None:
        """Print one line."""
        self._print(text)

    def _title(self, stage: str) -> str:
        return next((ahead.title for ahead in self._stages if ahead.name == stage), stage)

    def _print(self, text: str) -> None:
        try:
            if self._live:
                self._console.print(printable(text), soft_wrap=True, markup=False)  # a folder may be called [/bold]
            else:
                say(text)
        except OSError as error:
            self.lost = error
