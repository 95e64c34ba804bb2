"""`lmn-music evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import Data, Device, corpus_or_stand_in, resolve_device

if TYPE_CHECKING:
    from lmn_music.evaluation.report import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(help="A run folder, a .safetensors file, or a shipped model such as jsb.")],
    corpus: Annotated[
        str | None, typer.Option(help="What to read: jsb, nottingham, muse, piano, chorales or a folder; else its own.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, valid or test.")] = "test",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    data: Data = None,
    device: Device = "auto",
) -> None:
    """Say how well a model predicts music it has not seen, beside the published figures."""
    from lmn_music.evaluation.report import evaluate as evaluate_model
    from lmn_music.models.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(model, resolve_device(device))
    info = checkpoint.header.corpus
    songs = corpus_or_stand_in(corpus or info.source, data, grid=info.frames_per_quarter, to_c=info.to_c)
    evaluation = evaluate_model(checkpoint, songs, split)
    if json:
        typer.echo(evaluation.model_dump_json())
    else:
        _print(evaluation)


def _print(e: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    from lmn_music.evaluation.published import KINDS, TAGS, published_rows

    low, high = e.nll_interval
    typer.echo(
        f"{e.model}, trained on {e.trained_on}\n"
        f"read: {e.corpus}, {e.split} split, {e.songs} songs, {e.frames} frames; {e.provenance}\n\n"
        f"  {e.nll:.3f}  nats per frame, all frames; 95 % interval over songs {low:.3f} to {high:.3f}\n"
        f"  {e.nll_first_frame_excluded:.3f}  nats per frame, first frame of each song left out\n"
        f"  {e.accuracy_sampled:.1%}  accuracy of a sample, TP / max(played, predicted)\n"
        f"  {e.accuracy_thresholded:.1%}  accuracy at threshold 0.5, TP / (TP + FP + FN)\n"
    )
    if not e.comparable:
        typer.echo("These figures are NOT comparable with published ones: not trained and read on the benchmark.")
        return
    if e.split != "test":
        typer.echo("Published figures are of the test split; these are not.")
        return
    table = Table(title=f"{e.corpus}: nats per frame on the test split, lower is better", title_justify="left")
    for heading, justify in (
        ("model", "left"),
        ("nll", "right"),
        ("frames", "left"),
        ("kind", "left"),
        ("figure", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    rows = [(f"this model, {e.model}", e.nll, "all", KINDS["independent"], "measured now")]
    rows.append(
        (f"this model, {e.model}", e.nll_first_frame_excluded, "not first", KINDS["independent"], "measured now")
    )
    for row in published_rows(e.corpus):
        nll = row.nll(e.corpus)
        assert nll is not None
        frames = "all" if row.first_frame else "not first"
        rows.append((row.model, nll, frames, KINDS[row.kind], TAGS[row.tag_for(e.corpus)]))
    for model, nll, frames, kind, tag in sorted(rows, key=lambda row: row[1]):
        bold = "bold" if model.startswith("this model") else ""
        table.add_row(model, f"{nll:.2f}", frames, kind, tag, style=bold)
    Console(highlight=False).print(table)
