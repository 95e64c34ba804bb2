"""LAES initialisation beside orthogonal and random initialisation: same recipe, several seeds.

    python benchmarks/initialisation.py run jsb --seeds 1 2 3
    python benchmarks/initialisation.py table

`run` trains what is missing in docs/results/initialisation.json (one entry per corpus, initialisation and seed), each
with `lmn-music train CORPUS --init INIT --seed SEED` and the corpus's own recipe, and reads the test split once with
`lmn-music evaluate`. `table` prints the stored results as Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from lmn_music.files import replacing
from lmn_music.models.checkpoint import load_checkpoint

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results" / "initialisation.json"
RUNS = Path("runs") / "initialisation"
INITS = ("laes", "orthogonal", "random")


def read() -> dict[str, dict[str, float]]:
    """Return the stored results."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def run(corpus: str, seeds: list[int], inits: list[str]) -> None:
    """Train and evaluate what is missing, and store each result as soon as it is there."""
    command = str(Path(sys.executable).with_name("lmn-music"))
    for seed in seeds:
        for init in inits:
            name = f"{corpus} {init} {seed}"
            if name in read():
                continue
            out = RUNS / f"{corpus}-{init}-{seed}"
            arguments = (
                ["--resume", out] if out.exists() else [corpus, "--init", init, "--seed", str(seed), "--out", out]
            )
            subprocess.run([command, "train", *arguments], check=True)
            output = subprocess.run([command, "evaluate", out, "--json"], check=True, capture_output=True).stdout
            evaluation, figures = json.loads(output), load_checkpoint(out).header.figures
            metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
            hand_over = next((line for line in metrics if line["stage"] == "hand-over"), {})
            result = {
                "valid_nll": figures["valid_nll"],
                "test_nll": evaluation["nll"],
                "test_nll_first_frame_excluded": evaluation["nll_first_frame_excluded"],
                "accuracy_sampled": evaluation["accuracy_sampled"],
                "accuracy_thresholded": evaluation["accuracy_thresholded"],
                "epochs": max(line["epoch"] for line in metrics if line["stage"] == "lmn"),
                "best_epoch": figures["best_epoch"],
                "seconds": metrics[-1]["seconds"],
                **{key: value for key, value in hand_over.items() if key != "stage"},
            }
            results = read() | {name: result}  # read again: another process may have written
            RESULTS.parent.mkdir(exist_ok=True)
            with replacing(RESULTS) as temporary:
                temporary.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")


def table() -> str:
    """Return mean and standard deviation over seeds of every corpus and initialisation, as Markdown."""
    lines = [
        "| corpus | init | seeds | validation | test | first frame out | epochs | minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[dict[str, float]]] = {}
    for name, result in read().items():
        corpus, init, _ = name.split()
        groups.setdefault((corpus, init), []).append(result)

    def spread(values: list[float]) -> str:
        return f"{statistics.mean(values):.3f}" + (f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else "")

    for (corpus, init), rows in groups.items():
        cells = [
            spread([row[key] for row in rows]) for key in ("valid_nll", "test_nll", "test_nll_first_frame_excluded")
        ]
        epochs, minutes = (statistics.mean(row[key] for row in rows) for key in ("epochs", "seconds"))
        lines.append(f"| {corpus} | {init} | {len(rows)} | {' | '.join(cells)} | {epochs:.0f} | {minutes / 60:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("corpus")
    runner.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    runner.add_argument("--inits", nargs="+", choices=INITS, default=list(INITS))
    commands.add_parser("table")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.corpus, arguments.seeds, arguments.inits)
    else:
        print(table())


if __name__ == "__main__":
    main()
