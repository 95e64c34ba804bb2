"""`lmn-music evaluate`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import Data, Device, DeviceName, Split
from lmn_music.cli.printing import note, say
from lmn_music.cli.progress import counting
from lmn_music.words import counted

if TYPE_CHECKING:
    from lmn_music.api import BeyondOneModel, Evaluation, WithoutRelatives

WIDTH = 80


def evaluate(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A run folder, a .safetensors file, or a shipped model such as jsb."),
    ],
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The music: jsb, nottingham, muse, piano, chorales or a folder. If not given, what the model was "
            "trained on.",
        ),
    ] = None,
    split: Annotated[Split, typer.Option(help="Which songs of the corpus.")] = Split.test,
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="MODEL",
            help="Also evaluate the ensemble with this model, trained on the same songs; may be repeated.",
        ),
    ] = None,
    dynamic: Annotated[
        bool,
        typer.Option(
            "--dynamic",
            help="Also evaluate the model while it continues to learn from each song that it reads; slower.",
        ),
    ] = False,
    to_c: Annotated[
        bool,
        typer.Option(
            "--to-c", help="Own files: transpose every song to C major or C minor, the keys of the shipped models."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    data: Data = None,
    device: Device = DeviceName.auto,
) -> None:
    """Measure how well a model predicts music.

    On the test split of a benchmark corpus, published figures are printed beside the model's.
    """
    show = not json
    with counting("reading", "files", show=show) as reading, counting("evaluating", "songs", show=show) as progress:
        evaluation = api.evaluate(
            model,
            corpus,
            split.value,
            others=others or (),
            dynamic=dynamic,
            to_c=to_c,
            data=data,
            device=device.value,
            stand_in=note,
            reading=reading,
            progress=progress,
        )
    if json:
        say(evaluation.model_dump_json())
    else:
        _print(evaluation)


def _print(e: Evaluation) -> None:
    low, high = e.nll_interval
    without = _without(e.without_relatives) if e.without_relatives else ""
    say(
        f"{e.model}, trained on {e.trained_on}\n"
        f"read: {e.corpus}, {e.split} split, {e.songs} songs, {e.frames} frames; {e.provenance}\n\n"
        f"  {e.nll:.3f}  nats per frame, all frames; 95 % interval over songs {low:.3f} to {high:.3f}\n"
        f"  {e.nll_first_frame_excluded:.3f}  nats per frame, first frame of each song left out\n"
        f"{without}"
        f"  {e.accuracy_sampled:.1%}  accuracy of a sample, TP / max(played, predicted)\n"
        f"  {e.accuracy_thresholded:.1%}  accuracy at threshold 0.5, TP / (TP + FP + FN)\n"
    )
    if hand := e.songs_at_hand:
        low, high = hand.nll_interval
        typer.echo(
            "the same model with the training songs at hand\n"
            f"  {hand.nll:.3f}  nats per frame, all frames; 95 % interval over songs {low:.3f} to {high:.3f}\n"
            f"  {hand.nll_first_frame_excluded:.3f}  nats per frame, first frame of each song left out\n"
            f"{_without(hand.without_relatives)}"
        )
    for one in e.beyond:
        low, high = one.nll_interval
        say(
            f"{one.title}{_details(one)}\n"
            f"  {one.nll:.3f}  nats per frame, all frames; 95 % interval over songs {low:.3f} to {high:.3f}\n"
            f"  {one.nll_first_frame_excluded:.3f}  nats per frame, first frame of each song left out\n"
        )
    if not e.corpus_unchanged:
        _note(
            f"NOTE: {e.corpus} has changed since the training, and its splits with it: the model may have been TRAINED "
            "on songs that it is tested on here, which makes it look better than it is."
        )
    if e.frames_per_quarter != e.trained_frames_per_quarter:
        _note(
            f"NOTE: the model was trained on {e.trained_frames_per_quarter} frame(s) per quarter note and reads "
            f"{e.frames_per_quarter} here: for the model, this music has another speed."
        )
    if not e.comparable:
        _note("These figures are NOT comparable with published ones: not trained and read on one benchmark.")
    elif e.split != "test":
        say("Published figures are of the test split; these are not.")
    else:
        _print_published(e)


def _without(kept: WithoutRelatives) -> str:
    """Return the line of the songs that have no relative in the training split."""
    songs = counted(kept.songs, "song")
    interval = f"{kept.nll_interval[0]:.3f} to {kept.nll_interval[1]:.3f}"
    return f"  {kept.nll:.3f}  nats per frame, {songs} without a relative in train; {interval}\n"


def _details(one: BeyondOneModel) -> str:
    """Say of what it consists, and how fast it learns."""
    lines = [f"  {member}" for member in one.members] if len(one.members) > 1 else []
    rates = ", ".join(f"{rate:g}" for rate in one.learning_rates)
    lines += [f"  learning rate {rates}, chosen on the validation split"] if rates else []
    return "".join(f"\n{line}" for line in lines)


def _note(text: str) -> None:
    say(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _print_published(e: Evaluation) -> None:
    """Print the model among the published ones of the corpus, kind by kind; remarks follow as numbered notes."""
    published = api.published_figures(e.corpus)
    say(f"{e.corpus}: nats per frame on the test split, lower is better\n")
    say("    nll  frames      model")
    notes: list[str] = []
    for kind, title in published.kinds.items():
        rows = [(row.figure(e.corpus) or 0.0, row) for row in published.rows if row.kind == kind]
        lines: list[tuple[float, str, str]] = []
        for nll, row in sorted(rows, key=lambda pair: pair[0]):
            if row.note and row.note not in notes:
                notes.append(row.note)
            number = f" [{notes.index(row.note) + 1}]" if row.note else ""
            lines.append((nll, row.frames, f"{row.tag_for(e.corpus)}  {row.model}{number}"))
        if kind == e.kind:
            lines.append((e.nll, "all", "*  this model"))
            lines.append((e.nll_first_frame_excluded, "not first", "*  this model"))
            if e.songs_at_hand:
                lines.append((e.songs_at_hand.nll, "all", "*  this model, the training songs at hand"))
        say(title)
        for nll, frames, model in sorted(lines):
            say(f"  {nll:5.2f}  {frames:<10}  {model}", bold=model.startswith("*"))
    if e.beyond:
        say("beyond one model with fixed weights, exact")
    for one in e.beyond:
        say(f"  {one.nll:5.2f}  {'all':<10}  *  {one.title}", bold=True)
        say(f"  {one.nll_first_frame_excluded:5.2f}  {'not first':<10}  *  {one.title}", bold=True)
    legend = "; ".join(f"{tag}: {meaning}" for tag, meaning in published.tags.items())
    say(f"\n{legend}")
    say("*: measured now; not first: the first frame of each song is left out")
    _note("; ".join(f"[{number}] {note}" for number, note in enumerate(notes, start=1)))
