"""MusicXML that other programs write, and that readers get wrong: what each means.

Four divisions are a quarter note unless a case says otherwise. A note is written as in `60@0+4`: pitch, onset and
length, in quarter notes.
"""

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmn_music.errors import ScoreError
from lmn_music.formats import read_piece
from lmn_music.music.piece import Piece

METRE = "<time><beats>4</beats><beat-type>4</beat-type></time>"
START = f"<attributes><divisions>4</divisions>{METRE}</attributes>"
GRACE, CUE, CHORD = "<grace/>", "<cue/>", "<chord/>"


def note(name: str, length: float | None = 4, before: str = "", after: str = "") -> str:
    """Return a note such as "C4" or "F#4", or a rest "r"."""
    alter = f"<alter>{name.count('#')}</alter>" * ("#" in name)
    pitch = f"<pitch><step>{name[0]}</step>{alter}<octave>{name[-1]}</octave></pitch>" if name != "r" else "<rest/>"
    duration = "" if length is None else f"<duration>{length}</duration>"
    return f"<note>{before}{pitch}{duration}{after}</note>"


def notes(names: str, length: float = 4) -> str:
    return "".join(note(name, length) for name in names.split())


def tie(kind: str) -> str:
    return f'<tie type="{kind}"/>'


def move(kind: str, length: int) -> str:
    return f"<{kind}><duration>{length}</duration></{kind}>"


def transpose(chromatic: int, octaves: int = 0, more: str = "") -> str:
    change = f"<octave-change>{octaves}</octave-change>" * bool(octaves)
    inner = f"<chromatic>{chromatic}</chromatic>{change}{more}"
    return f"<attributes><transpose>{inner}</transpose></attributes>"


def score(*parts: list[str], heads: str = "", implicit: tuple[int, ...] = ()) -> str:
    """Return a score of parts, each a list of measures."""
    body = "".join(
        f'<part id="P{number}">'
        + "".join(
            f'<measure number="{place}" implicit="{"yes" if place in implicit else "no"}">{measure}</measure>'
            for place, measure in enumerate(part)
        )
        + "</part>"
        for number, part in enumerate(parts)
    )
    ids = "".join(f'<score-part id="P{n}"><part-name>x</part-name>{heads}</score-part>' for n in range(len(parts)))
    return f'<score-partwise version="4.0"><part-list>{ids}</part-list>{body}</score-partwise>'


def heard(piece: Piece, *, drums: bool = False) -> str:
    found = sorted((n.onset, n.pitch, n.end) for part in piece.parts if part.drums == drums for n in part.notes)
    return " ".join(f"{pitch}@{float(onset):.4g}+{float(end - onset):.4g}" for onset, pitch, end in found)


def read(folder: Path, data: str | bytes, name: str = "song.musicxml", *, as_written: bool = False) -> Piece:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return read_piece(folder / name, as_written=as_written)


UP, DOWN = notes("C4 D4 E4 F4"), notes("G4 A4 B4 C5")
UP_AT_0, DOWN_AT_4 = "60@0+1 62@1+1 64@2+1 65@3+1", "67@4+1 69@5+1 71@6+1 72@7+1"
PLAIN = score([START + UP, DOWN])
DRUM = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>{}</note>"
INSTRUMENT = '<midi-instrument id="I{}"><midi-channel>{}</midi-channel>{}</midi-instrument>'

TIED = [f'<notations><tied type="{kind}"/></notations>' for kind in ("start", "stop")]

NOTES = {
    "chord": (START + note("C4", 16) + note("E4", 16, CHORD), "60@0+4 64@0+4"),
    "chord of unequal lengths": (START + note("C4", 16) + note("E4", 4, CHORD) + note("G4", 4), "60@0+4 64@0+1 67@4+1"),
    "grace note": (START + note("D4", None, GRACE) + note("C4", 16), "60@0+4"),
    "grace note tied to the next": (
        START + note("C4", None, GRACE, tie("start")) + note("C4", 16, after=tie("stop")),
        "60@0+4",
    ),
    "cue is silent and takes its time": (START + note("C4", 8, CUE) + note("D4", 8), "62@2+2"),
    "small print sounds": (START + note("C4", 16, after='<type size="cue">whole</type>'), "60@0+4"),
    "what is not printed sounds": (START + note("C4", 16).replace("<note>", '<note print-object="no">'), "60@0+4"),
    "decimal lengths": (START + note("C4", 4.0) + note("D4", 12), "60@0+1 62@1+3"),
    "tremolo of two notes": (
        START
        + "".join(
            note(
                n,
                8,
                after="<time-modification><actual-notes>2</actual-notes><normal-notes>1</normal-notes>"
                "</time-modification>",
            )
            for n in ("C4", "E4")
        ),
        "60@0+2 64@2+2",
    ),
    "tie": (START + note("C4", 8, after=tie("start")) + note("C4", 8, after=tie("stop")), "60@0+4"),
    "tie of notation alone": (START + note("C4", 8, after=TIED[0]) + note("C4", 8, after=TIED[1]), "60@0+4"),
    "tie without a beginning": (START + note("C4", 8) + note("C4", 8, after=tie("stop")), "60@0+2 60@2+2"),
    "ties of two voices that meet": (
        START
        + "".join(
            note("C4", 8, after=tie("start") + f"<voice>{voice}</voice>")
            + note("C4", 8, after=tie("stop") + f"<voice>{voice}</voice>")
            + move("backup", 16)
            for voice in (1, 2)
        ),
        "60@0+4 60@0+4",
    ),
    "tie without an end": (START + note("C4", 8, after=tie("start")) + note("C4", 8), "60@0+2 60@2+2"),
    "tie over another voice": (
        START
        + note("C4", 8, after=tie("start") + "<voice>1</voice>")
        + move("backup", 8)
        + note("C4", 4, after="<voice>2</voice>")
        + move("forward", 4)
        + note("C4", 8, after=tie("stop") + "<voice>2</voice>"),
        "60@0+1 60@0+4",
    ),
    "gap": (START + move("forward", 8) + note("C4", 8), "60@2+2"),
    "quarter tone": (START + note("C4", 16).replace("<octave>", "<alter>0.5</alter><octave>"), "61@0+4"),
    "flat": (START + note("B4", 16).replace("<octave>", "<alter>-1</alter><octave>"), "70@0+4"),
    "octave shift is notation": (
        START + '<direction><direction-type><octave-shift type="down"/></direction-type></direction>' + note("C6", 16),
        "84@0+4",
    ),
    "chord symbol": (START + "<harmony><root><root-step>C</root-step></root></harmony>" + note("C4", 16), "60@0+4"),
    "clarinet": (START + transpose(-2) + note("D4", 16), "60@0+4"),
    "baritone saxophone": (START + transpose(-9, -1) + note("C4", 16), "39@0+4"),
    "cello and bass": (START + transpose(0, more="<double/>") + note("C3", 16), "36@0+4 48@0+4"),
    "doubled above": (START + transpose(0, more='<double above="yes"/>') + note("C3", 16), "48@0+4 60@0+4"),
    "no longer transposed": (START + transpose(-2) + note("D4", 8) + transpose(0) + note("D4", 8), "60@0+2 62@2+2"),
    "no divisions": (note("C4", 1) + note("D4", 1), "60@0+1 62@1+1"),
    "before the bar": (START + note("C4", 4) + move("backup", 40) + note("E4", 16), "60@0+1 64@0+4"),
}


@pytest.mark.parametrize("case", NOTES)
def test_notes(tmp_path: Path, case: str) -> None:
    measure, expected = NOTES[case]
    assert heard(read(tmp_path, score([measure]))) == expected


WHOLE_REST = '<note><rest measure="yes"/><duration>16</duration></note>'
LOW = note("C3", 16)
FIRST, SECOND = "48@0+4", "48@4+4"
TWICE = " ".join(f"{found} {found}" for found in UP_AT_0.split())
AT_1 = "60@1+1 62@2+1 64@3+1 65@4+1"
BARS = {
    "full bars": ([[START + UP, DOWN]], (), f"{UP_AT_0} {DOWN_AT_4}"),
    "gap at the end of a bar": ([[START + note("C4", 8) + move("forward", 8), DOWN]], (), f"60@0+2 {DOWN_AT_4}"),
    "pickup": ([[START + note("G4"), UP]], (0,), f"67@0+1 {AT_1}"),
    "a short bar": ([[START + note("G4", 8), LOW]], (), "67@0+2 48@2+4"),
    "a long bar": ([[START + UP + note("G4", 8), LOW]], (), f"{UP_AT_0} 67@4+2 48@6+4"),
    "an empty bar": ([[START + LOW, "", LOW]], (), f"{FIRST} 48@8+4"),
    "bars of rests": ([[START + WHOLE_REST, note("r", 16), LOW]], (), "48@8+4"),
    "half-full part": ([[START + LOW, DOWN], [START + note("C4", 8), LOW]], (), f"{FIRST} 60@0+2 {SECOND} {DOWN_AT_4}"),
    "empty part": ([[START + UP, DOWN], [START, LOW]], (), f"{UP_AT_0} {SECOND} {DOWN_AT_4}"),
    "part that ends early": ([[START + UP, LOW], [START + UP]], (), f"{TWICE} {SECOND}"),
    "pickup and whole rest": (
        [[START + note("G4"), UP], [START + WHOLE_REST, LOW]],
        (0,),
        f"67@0+1 48@1+4 {AT_1}",
    ),
    "rest that is too long": ([[START + UP, LOW], [START + note("r", 32), LOW]], (), f"{UP_AT_0} {SECOND} {SECOND}"),
    "rest too long after notes": (
        [[START + UP, LOW], [START + UP + WHOLE_REST, LOW]],
        (),
        f"{TWICE} {SECOND} {SECOND}",
    ),
    "bar too short in one part": (
        [[START + note("G4", 12), LOW], [START + WHOLE_REST, LOW]],
        (1,),
        "67@0+3 48@3+4 48@3+4",
    ),
    "bar too short in one part, later": (
        [[START + LOW, note("G4", 12), LOW], [START + LOW, WHOLE_REST, LOW]],
        (),
        f"{FIRST} {FIRST} 67@4+3 48@8+4 48@8+4",
    ),
    "bar too long in one part": (
        [[START + note("G4", 20), LOW], [START + LOW, LOW]],
        (),
        f"{FIRST} 67@0+5 48@5+4 48@5+4",
    ),
}


@pytest.mark.parametrize("case", BARS)
def test_bars_are_the_clock_of_all_parts(tmp_path: Path, case: str) -> None:
    parts, implicit, expected = BARS[case]
    assert heard(read(tmp_path, score(*parts, implicit=implicit))) == expected


def test_a_tie_leads_over_a_bar_that_is_short_in_one_part(tmp_path: Path) -> None:
    held = [START + note("E3", 16, after=tie("start")), note("E3", 4, after=tie("stop"))]
    assert heard(read(tmp_path, score([START + note("C4", 8), UP], held))).startswith("52@0+5")


FILLED = st.lists(
    st.sampled_from(("r", "C4", "move")).flatmap(lambda kind: st.tuples(st.just(kind), st.integers(1, 12)))
)


@given(st.lists(st.lists(st.tuples(FILLED, st.booleans()), min_size=4, max_size=4), min_size=2, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_no_part_drifts_away_from_the_others(
    tmp_path: Path, parts: list[list[tuple[list[tuple[str, int]], bool]]]
) -> None:
    """Each part begins each of its bars, however it is filled, with a note of one tick: all of them at one time."""
    measures = []
    for number, bars in enumerate(parts):
        measures.append([START * (place == 0) + note(f"{'CDEF'[number]}{place}", 0) for place in range(4)])
        for place, (filled, backwards) in enumerate(bars):
            for kind, length in filled:
                measures[-1][place] += (
                    move("forward", length) if kind == "move" else note(kind.replace("4", "9"), length)
                )
            measures[-1][place] += move("backup", 100) * backwards
    found: dict[int, set[Fraction]] = {}
    for part in read(tmp_path, score(*measures)).parts:
        for n in part.notes:
            found.setdefault(n.pitch // 12, set()).add(n.onset)
    assert [len(found[octave]) for octave in range(1, 5)] == [1, 1, 1, 1]


def drum_kit(*, unpitched: bool) -> str:
    return INSTRUMENT.format(0, 10, "<midi-unpitched>39</midi-unpitched>" if unpitched else "")


def test_drums(tmp_path: Path) -> None:
    hit = DRUM.format("<duration>4</duration>")
    assert heard(read(tmp_path, score([START + hit + note("C4")])), drums=True) == "64@0+1"  # its line, if nothing else
    kit = read(tmp_path, score([START + hit], heads=drum_kit(unpitched=True)))
    assert heard(kit, drums=True) == "38@0+1"
    assert heard(read(tmp_path, score([START + note("C4")], heads=drum_kit(unpitched=False))), drums=True) == "60@0+1"
    both = INSTRUMENT.format(1, 1, "<midi-program>74</midi-program>") + drum_kit(unpitched=False)
    piece = read(tmp_path, score([START + note("C4") + note("D4", after='<instrument id="I0"/>')], heads=both))
    assert (heard(piece), heard(piece, drums=True)) == ("60@0+1", "62@1+1")
    assert piece.parts[0].program == 73


def test_loudness(tmp_path: Path) -> None:
    loud, absurd = (note("C4").replace("<note>", f'<note dynamics="{volume}">') for volume in ("100", "1e9"))
    (part,) = read(tmp_path, score([START + note("C4") + loud + absurd])).parts
    assert [found.velocity for found in part.notes] == [80, 90, 127]


# --- other files


def archive(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


CONTAINER = "<container><rootfiles>{}</rootfiles></container>"
ROOT = '<rootfile full-path="{}"/>'
TIMEWISE = (
    '<score-timewise><part-list><score-part id="P"><part-name>x</part-name></score-part></part-list>'
    f'<measure number="1"><part id="P">{START + UP}</part></measure>'
    f'<measure number="2"><part id="P">{DOWN}</part></measure></score-timewise>'
)
DECLARED = '<?xml version="1.0" encoding="{}"?>'


def container(*names: str) -> dict[str, str]:
    return {"META-INF/container.xml": CONTAINER.format("".join(map(ROOT.format, names)))}


FILES = {
    "timewise": (TIMEWISE, ".xml"),
    "utf-16": ((DECLARED.format("UTF-16") + PLAIN).encode("utf-16"), ".xml"),
    "latin-1": ((DECLARED.format("ISO-8859-1") + PLAIN.replace(">x<", ">Flöte<")).encode("latin-1"), ".xml"),
    "Shift-JIS": ((DECLARED.format("Shift_JIS") + PLAIN.replace(">x<", ">ピアノ<")).encode("shift_jis"), ".xml"),
    "GB 18030": ((DECLARED.format("GB18030") + PLAIN.replace(">x<", ">钢琴<")).encode("gb18030"), ".xml"),
    "latin-1 that is called UTF-8": (
        (DECLARED.format("UTF-8") + PLAIN.replace(">x<", ">Flöte<")).encode("latin-1"),
        ".xml",
    ),
    "a control character in a name": (PLAIN.replace(">x<", ">x\x0b<"), ".xml"),
    "byte order mark": (b"\xef\xbb\xbf" + PLAIN.encode(), ".xml"),
    "namespace": (PLAIN.replace("<score-partwise", '<score-partwise xmlns="urn:music"'), ".xml"),
    "without a container": (archive({"a.xml": PLAIN}), ".mxl"),
    "container": (archive({**container("b/a.musicxml"), "b/a.musicxml": PLAIN}), ".mxl"),
    "a picture first": (archive({**container("a.pdf", "a.xml"), "a.pdf": "", "a.xml": PLAIN}), ".mxl"),
    "a container that names nothing": (archive({**container("b.xml"), "a.xml": PLAIN}), ".mxl"),
    "a name in UTF-8, not flagged as such": (archive({"~~.xml": PLAIN}).replace(b"~~", "é".encode()), ".mxl"),
    "compressed, called .xml": (archive({"a.xml": PLAIN}), ".xml"),
    "plain, called .mxl": (PLAIN, ".mxl"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_of_every_kind(tmp_path: Path, case: str) -> None:
    data, suffix = FILES[case]
    assert heard(read(tmp_path, data, f"song{suffix}")) == f"{UP_AT_0} {DOWN_AT_4}"


@pytest.mark.parametrize("encoding", ["utf-8", "shift_jis"])
def test_a_container_with_a_name_that_is_not_ascii(tmp_path: Path, encoding: str) -> None:
    """Zip has a flag for names in UTF-8, which programs forget, and none for other encodings."""
    first, second = score([START + LOW]), "練習曲.xml".encode(encoding)
    raw = archive({"a.xml": first, "~" * len(second): PLAIN}).replace(b"~" * len(second), second)
    assert heard(read(tmp_path, raw, "song.mxl")) == "48@0+4"  # the first, where no container says otherwise
    members = {**container("練習曲.xml"), "a.xml": first, "~" * len(second): PLAIN}
    raw = archive(members).replace(b"~" * len(second), second)
    assert heard(read(tmp_path, raw, "song.mxl")) == f"{UP_AT_0} {DOWN_AT_4}"


def test_a_member_that_would_need_gigabytes_to_unpack(tmp_path: Path) -> None:
    """The dictionary of LZMA may be four gigabytes; .mxl files are deflated or stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.xml", PLAIN)
    with pytest.raises(ScoreError) as caught:
        read(tmp_path, buffer.getvalue(), "song.mxl")
    assert caught.value.reason == "unreadable (.mxl)"


@pytest.mark.parametrize(
    ("measure", "passed_over"),
    [
        (UP + note("H4"), "notes without a pitch (1)"),
        (UP + note("C4", 8).replace(">8<", ">soon<") * 2, "durations that make no sense (2)"),
        (UP + note("C9", 4).replace(">9<", ">99<"), "notes beyond the range of MIDI (1)"),
        (UP + '<sound dacapo="yes"/>', "a jump that is not clear"),
    ],
)
def test_what_makes_no_sense_is_passed_over_and_told(tmp_path: Path, measure: str, passed_over: str) -> None:
    piece = read(tmp_path, score([START + measure]))
    assert heard(piece) == UP_AT_0
    assert piece.passed_over == passed_over
