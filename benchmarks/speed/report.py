"""Write the tables of docs/performance.md anew from the stored results: what stands between its marks."""

from __future__ import annotations

import json
from typing import Any

from measure import RESULTS, ROOT

from studies.tables import fill
from studies.tables import markdown as table

PAGE = ROOT / "docs" / "performance.md"


def named(what: str, results: dict[str, dict[str, Any]]) -> str:
    """Return a table with the names of the rows in its first column."""
    return table([{what: name} | row for name, row in results.items()])


def pairs(what: str, results: dict[str, Any]) -> str:
    """Return a table of names and values."""
    return table([{what: name, "": value} for name, value in results.items()])


def percent(shares: dict[str, float]) -> dict[str, str]:
    """Return shares as percentages."""
    return {name: f"{share:.0%}" for name, share in shares.items()}


def tables() -> dict[str, str]:
    """Return every table, by the name of its mark."""
    stored = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    found: dict[str, str] = {"machine": ", ".join(sorted({one["machine"] for one in stored.values()}))}
    results = {name: one["results"] for name, one in stored.items()}
    if layer := results.get("layer"):
        found["layer"] = table([{key: value for key, value in row.items() if "ms" not in key} for row in layer])
        found["layer-ms"] = table([{key: value for key, value in row.items() if " / " not in key} for row in layer])
    if gated := results.get("gated"):
        found["gated"] = table(gated)
    if length := results.get("length"):
        found["length"] = table(length["times"])
        found["length-parameters"] = pairs("parameters", length["parameters"])
    if compiled := results.get("compiled"):
        found["compiled"] = table(compiled)
    if training := results.get("training"):
        epochs = training["epochs"]
        found["training"] = named(
            "corpus", {name: {k: v for k, v in e.items() if k != "shares"} for name, e in epochs.items()}
        )
        kinds = {kind for e in epochs.values() for kind in e["shares"]}
        order = sorted(kinds, key=lambda kind: -epochs["jsb"]["shares"].get(kind, 0))
        found["shares"] = named(
            "corpus",
            {name: percent({kind: e["shares"].get(kind, 0.0) for kind in order}) for name, e in epochs.items()},
        )
        found["parts"] = pairs("tied model", training["parts"])
    whole = {name.removeprefix("training-"): one for name, one in results.items() if name.startswith("training-")}
    if whole:
        found["whole"] = named(
            "corpus", {name: {k: v for k, v in w.items() if k != "curve"} for name, w in whole.items()}
        )
    if autoencoder := results.get("autoencoder"):
        for name in ("rolls", "activations"):
            found[f"autoencoder-{name}"] = named("corpus", autoencoder[name])
        for name in ("components", "frames"):
            found[f"autoencoder-{name}"] = table(autoencoder[name])
        columns = list(autoencoder["beside"][0])
        found["autoencoder-beside"] = table(
            [{key: row.get(key, "") for key in columns} for row in autoencoder["beside"]]
        )
    if sampling := results.get("sampling"):
        found["sampling"] = named("model", sampling["frames"])
        found["starts"] = pairs("fresh processes", sampling["starts"])
    if application := results.get("application"):
        found["evaluate"] = named("`lmn-music evaluate`", application["evaluate"])
        found["waits"] = pairs("what", application["chorales"] | application["start"])
    if reading := results.get("reading"):
        found["reading"] = named("1000 MIDI files, read by", reading)
    if growth := results.get("growth"):
        found["growth"] = named(
            "cost of, against",
            {name: {key: c[key] for key in ("slope", "slope of the last step")} for name, c in growth.items()},
        )
    return found


def main() -> None:
    """Fill the page; a mark without results is an error."""
    fill(PAGE, tables())


if __name__ == "__main__":
    main()
