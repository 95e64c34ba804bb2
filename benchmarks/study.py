"""Studies: the same training under several conditions and seeds. studies.toml beside this file says which there are.

    python benchmarks/study.py run ablation jsb --seeds 1 2 3 [--rows full 'without recall']
    python benchmarks/study.py table ablation
    python benchmarks/study.py curves ablation

`run` trains what is missing in studies/results/STUDY.json (one per corpus, row and seed), each by `lmn-music train`
with the options of the study and of the row; interrupted trainings go on. A study with `test = true` also reads the
test split, once per training, by `lmn-music evaluate`. `table` prints the stored results as Markdown, `curves` the
likelihood against the time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from lmn_music.files import replacing
from lmn_music.models.checkpoint import load_checkpoint

HERE = Path(__file__).resolve().parent
STUDIES: dict[str, dict[str, Any]] = tomllib.loads((HERE / "studies.toml").read_text())
COMMAND = str(Path(sys.executable).with_name("lmn-music"))


def stored(study: str) -> Path:
    """Return the file of the study's results."""
    return HERE.parent / "studies" / "results" / f"{study}.json"


def read(study: str) -> dict[str, dict[str, Any]]:
    """Return the study's results so far."""
    return json.loads(stored(study).read_text()) if stored(study).exists() else {}


def options(study: str, corpus: str, row: str) -> list[str]:
    """Return what follows `lmn-music train CORPUS`, without the seed and the run folder."""
    common, own = STUDIES[study]["options"], STUDIES[study]["rows"][row]
    text = f"{common['all']} {common.get(corpus, '')} {own if isinstance(own, str) else own[corpus]}"
    return [word.replace("{here}", str(HERE)) for word in text.split()]


def run(study: str, corpus: str, rows: list[str], seeds: list[int]) -> None:
    """Train what is missing, and store each result as soon as it is there."""
    for seed in seeds:
        for row in rows:
            key = f"{corpus}, {row}, {seed}"
            if key in read(study):
                continue
            out = Path("runs") / study / key.replace(", ", "-").replace(" ", "-")
            fresh = [corpus, *options(study, corpus, row), "--seed", str(seed), "--out", str(out)]
            subprocess.run([COMMAND, "train", *(["--resume", str(out)] if out.exists() else fresh)], check=True)
            results = read(study) | {key: outcome(out, test=STUDIES[study]["test"])}  # others may have written
            stored(study).parent.mkdir(exist_ok=True)
            with replacing(stored(study)) as temporary:
                temporary.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")


def outcome(out: Path, *, test: bool) -> dict[str, Any]:
    """Return the figures of a finished run; its curve is seconds and validation likelihood after each epoch."""
    figures = load_checkpoint(out).header.figures
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    result: dict[str, Any] = {
        "valid_nll": figures["valid_nll"],
        "epochs": max(line["epoch"] for line in metrics if line["stage"] == "lmn"),
        "best_epoch": figures["best_epoch"],
        "seconds": max(line["seconds"] for line in metrics if "seconds" in line),
        "curve": [(line["seconds"], line["valid_nll"]) for line in metrics if "epoch" in line],
    }
    for line in metrics:
        if line["stage"] == "hand-over":
            result |= {key: value for key, value in line.items() if key != "stage"}
    if test:
        evaluation = json.loads(
            subprocess.run([COMMAND, "evaluate", str(out), "--json"], check=True, capture_output=True).stdout
        )
        result["test_nll"] = evaluation["nll"]
        for name in ("nll_first_frame_excluded", "accuracy_sampled", "accuracy_thresholded"):
            result[name] = evaluation[name]
    return result


def table(study: str) -> str:
    """Return mean and standard deviation over seeds of every corpus and row, as Markdown."""
    more = STUDIES[study].get("columns", [])
    columns = [*more, "valid_nll", *(["test_nll"] if STUDIES[study]["test"] else [])]
    lines = [
        f"| corpus | {study} | seeds | {' | '.join(columns)} | epochs | minutes |",
        "|---" * (5 + len(columns)) + "|",
    ]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for key, result in read(study).items():
        corpus, row, _ = key.split(", ")
        groups.setdefault((corpus, row), []).append(result)
    order = list(STUDIES[study]["rows"])
    for (corpus, row), results in sorted(groups.items(), key=lambda item: (item[0][0], order.index(item[0][1]))):
        cells = []
        for column in columns:
            values = [result[column] for result in results]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}")
        epochs, seconds = (statistics.mean(result[name] for result in results) for name in ("epochs", "seconds"))
        lines.append(f"| {corpus} | {row} | {len(results)} | {' | '.join(cells)} | {epochs:.0f} | {seconds / 60:.1f} |")
    return "\n".join(lines)


def curves(study: str) -> str:
    """Return the mean over seeds of seconds and validation likelihood after each epoch, both stages, as Markdown."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for key, result in read(study).items():
        if "curve" in result:
            corpus, row, _ = key.split(", ")
            groups.setdefault((corpus, row), []).append(result["curve"])
    longest = max(len(curve) for runs in groups.values() for curve in runs)
    lines = [
        f"| corpus | {study} | {' | '.join(f'epoch {number + 1}' for number in range(longest))} |",
        "|---" * (2 + longest) + "|",
    ]
    for (corpus, row), runs in sorted(groups.items()):
        cells = [
            f"{statistics.mean(nll for _, nll in epoch):.2f} ({statistics.mean(time for time, _ in epoch):.0f} s)"
            for epoch in zip(*runs, strict=False)
        ]
        lines.append(f"| {corpus} | {row} | {' | '.join(cells)}{' |' * (longest - len(cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("study", choices=STUDIES)
    runner.add_argument("corpus")
    runner.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    runner.add_argument("--rows", nargs="+")
    for command in ("table", "curves"):
        commands.add_parser(command).add_argument("study", choices=STUDIES)
    arguments = parser.parse_args()
    if arguments.command == "table":
        print(table(arguments.study))
    elif arguments.command == "curves":
        print(curves(arguments.study))
    else:
        rows = arguments.rows or list(STUDIES[arguments.study]["rows"])
        if unknown := set(rows) - set(STUDIES[arguments.study]["rows"]):
            parser.error(f"the study {arguments.study} has no row {', '.join(unknown)}")
        run(arguments.study, arguments.corpus, rows, arguments.seeds)


if __name__ == "__main__":
    main()
