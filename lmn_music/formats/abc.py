"""Reading ABC files, in which folk tunes are passed on."""

from __future__ import annotations

import re
from fractions import Fraction

from lmn_music.errors import ScoreError
from lmn_music.formats import abc_fields as fields
from lmn_music.formats.abc_voice import AbcVoice, Place, Sound, Tone
from lmn_music.formats.encodings import as_text
from lmn_music.formats.played import play
from lmn_music.formats.repeats import read_words
from lmn_music.formats.written_score import TICKS, WrittenScore
from lmn_music.music.piece import Piece

MAX_TUNE = 100_000  # characters: thirty times as many as the longest of ten thousand folk tunes
_ALTERED = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_SIGNS = {"dacapo": "da capo", "dacoda": "to coda"}  # what signs are called that are words elsewhere
_LETTER_SIGNS = {"S": "segno", "O": "coda"}

_LENGTH = r"(?P<top{0}>[0-9]{{0,4}})(?P<slashes{0}>/{{0,6}})(?P<bottom{0}>[0-9]{{0,4}})"
_ENDING = r"[1-9][0-9]?(?:[,-][1-9][0-9]?)*"
_TOKEN = re.compile(
    r"(?P<accidental>\^{1,2}|_{1,2}|=|)(?P<letter>[A-Ga-g])(?P<octave>[,']{0,8})" + _LENGTH.format(1) + "|"
    r"(?P<rest>[zx])" + _LENGTH.format(2) + "|"
    r"(?P<bars>[ZX])(?P<count>[0-9]{0,3})|"
    r"\[(?P<field>[A-Za-z]:)(?P<value>[^\]]{0,200})\]|"
    rf"(?P<line>(?:\[\||\||:(?=[|:]))[|:\]]*)[ \t]*(?:\[?(?P<ending>{_ENDING}))?|"
    rf"\[(?P<bracket>{_ENDING})|"
    r"(?P<open>\[)|"
    r"(?P<close>\])" + _LENGTH.format(3) + "|"
    r"\((?P<tuplet>[2-9])(?::(?P<time>[1-9]?))?(?::(?P<notes>[1-9]?))?|"
    r"(?P<dotted>>{1,3}|<{1,3})|"
    r"(?P<tie>-)|"
    r"(?P<overlay>&)|"
    r'"(?P<remark>[^"]{0,1000})"|'
    r"!(?P<sign>[A-Za-z0-9.+<>()^/_-]{1,30})!|"
    r"(?P<grace>\{[^}]{0,200}\})|"
    r"(?P<known>[SO])"
)
_COMMENT = re.compile(r'("[^"]*")|%.*')


def read_abc(data: bytes, title: str, *, as_written: bool = False) -> Piece:
    """Return the piece in an ABC tune. Each voice is a part; grace notes, chord symbols and lyrics are left out.

    An accidental holds to the end of the bar in all octaves, as ABC 2.1 has it, unless the tune says otherwise.

    Args:
        data: the tune, with the header of its file: see `split_tunes`.
        title: the title of the piece.
        as_written: whether each bar is played once; otherwise repeats are played out.

    Raises:
        ScoreError: it is no tune, or a too long one.
    """
    text = as_text(data)
    if len(text) > MAX_TUNE:
        raise ScoreError(f"the tune has more than {MAX_TUNE} characters: split it", "too long (characters)")
    tune = _Tune()
    for line in text.splitlines():
        if line.startswith("%%") or fields.FIELD.match(line):
            tune.read_field(line[:2], line[2:])
        elif tune.begun:
            tune.read_music(_COMMENT.sub(lambda found: found[1] or "", line))
    if not tune.begun:
        raise ScoreError("there is no K: line, after which a tune begins: name an ABC file", "unreadable (no ABC tune)")
    return play(tune.finish(), title, as_written=as_written)


def split_abc(data: bytes) -> dict[str, bytes]:
    """Return the tunes of an ABC file by their names: see `split_tunes`."""
    return {name: tune.encode() for name, tune in fields.split_tunes(as_text(data)).items()}


class _Tune:
    """Reads a tune, line by line."""

    def __init__(self) -> None:
        self.begun = False  # whether the K: line was there, which ends the header
        self._score = WrittenScore(TICKS)
        self._header = AbcVoice(self._score, 0)  # what holds for all voices
        self._heads: dict[str, str] = {}  # what the header says of each voice
        self._voices: dict[str, AbcVoice] = {}
        self._voice = self._header
        self._chord: list[Tone] | None = None  # the notes of a chord that is not complete
        self._ties: set[Place] = set()  # the notes of that chord from which a tie leads on
        self._tempo = ""

    def finish(self) -> WrittenScore:
        """Return the score."""
        for voice in self._voices.values():
            voice.end_bar()
        while self._score.bars and not self._score.bars[-1].extents:
            self._score.bars.pop()
        return self._score

    def read_field(self, name: str, value: str) -> None:
        """Read a field, such as "M:" and "6/8", or a directive, "%%" and its text."""
        voice = self._voice
        voice.flush()
        if name == "M:":
            voice.set_metre(fields.read_metre(value))
        elif name == "L:":
            voice.unit = fields.read_fraction(value) or voice.unit
        elif name == "Q:":
            tempo = fields.read_tempo(value, voice.whole())
            if self.begun and tempo:
                voice.bar.tempos.setdefault(voice.now, tempo)
            self._tempo = value
        elif name == "V:":
            self._read_voice(value)
        elif name == "K:":
            key = fields.read_key(value)
            voice.semitones += fields.read_transposition(value)
            if key is not None:
                voice.altered = key[2]
                voice.bar.keys[voice.now] = key[:2]
            if not self.begun:
                self._begin()
        elif name in ("I:", "%%"):
            words = value.split()
            if words[:1] == ["propagate-accidentals"] and len(words) > 1:
                voice.propagation = words[1]
            elif words[:1] == ["MIDI"]:
                voice.read_midi(words[1:])
        elif name == "P:" and not self.begun:
            self._score.passed_over["orders of parts (P:)"] += 1

    def _begin(self) -> None:
        """End the header."""
        self.begun = True
        if tempo := fields.read_tempo(self._tempo, self._header.whole()):
            self._score.bar(0).tempos[0] = tempo
        self._switch(*next(iter(self._heads.items()), ("", "")))

    def _read_voice(self, value: str) -> None:
        name, _, _ = fields.read_voice(value)
        if not self.begun:
            self._heads[name] = value
        else:
            self._switch(name, self._heads.get(name, "") + value)

    def _switch(self, name: str, head: str) -> None:
        """Continue with another voice; a new one begins as the header says."""
        if name not in self._voices:
            _, called, semitones = fields.read_voice(head)
            self._voices[name] = self._header.another(len(self._voices), called, semitones)
        self._voice = self._voices[name]

    def read_music(self, line: str) -> None:
        """Read a line of notes."""
        for token in _TOKEN.finditer(line):
            voice = self._voice
            if token["letter"]:
                self._read_note(token, voice)
            elif token["rest"] and self._chord is None:
                voice.put(Sound(voice.length(token["top2"], token["slashes2"], token["bottom2"])))
            elif token["bars"]:
                voice.rest(int(token["count"] or 1))
            elif token["field"]:
                self.read_field(token["field"], token["value"])
            elif token["line"]:
                self._read_line(token["line"], voice)
                voice.ending = _numbers(token["ending"]) or voice.ending
            elif token["bracket"]:
                voice.flush()
                voice.ending = _numbers(token["bracket"])
            elif token["open"]:
                voice.flush()
                self._chord, self._ties = [], set()
            elif token["close"] and self._chord is not None:
                self._read_chord(voice.length(token["top3"], token["slashes3"], token["bottom3"]), voice)
            elif token["tuplet"]:
                voice.begin_tuplet(*(int(token[name] or 0) for name in ("tuplet", "time", "notes")))
            elif token["dotted"]:
                voice.lengthen(token["dotted"])
            elif token["tie"] and self._chord:
                self._ties.add(self._chord[-1].place)
            elif token["tie"]:
                voice.tie()
            elif token["overlay"]:
                voice.overlay()
            else:
                words = token["remark"] or token["sign"] or _LETTER_SIGNS.get(token["known"] or "", "")
                read_words(_SIGNS.get(words, words).lstrip("^_<>@"), voice.bar.signs)

    def _read_note(self, token: re.Match[str], voice: AbcVoice) -> None:
        letter = token["letter"].upper()
        octave = 5 + token["letter"].islower() + token["octave"].count("'") - token["octave"].count(",")
        accidental = _ALTERED.get(token["accidental"])
        if self._chord is None:
            voice.flush()
        pitch, tied = voice.pitch(letter, octave, accidental)
        tone = Tone((letter, octave), pitch, voice.length(token["top1"], token["slashes1"], token["bottom1"]), tied)
        if self._chord is None:
            voice.put(Sound(tone.length, [tone]))
        else:
            self._chord.append(tone)

    def _read_chord(self, length: Fraction, voice: AbcVoice) -> None:
        """End a chord, which lasts as long as its first note, times `length`."""
        tones, self._chord = self._chord or [], None
        if tones:
            tones = [tone._replace(length=tone.length * length) for tone in tones]
            voice.put(Sound(tones[0].length, tones, self._ties))

    def _read_line(self, line: str, voice: AbcVoice) -> None:
        """Read a bar line: it ends the bar, may end an ending and a repeated section, and may begin one."""
        voice.end_bar()
        before, after = len(line) - len(line.lstrip(":")), len(line) - len(line.rstrip(":"))
        if before == len(line):  # "::" and ":", without a stroke
            before = after = len(line) // 2
        if before:
            voice.repeat(before + 1)
        if before or "||" in line or "]" in line or "[" in line:
            voice.ending = frozenset()
        if after:
            voice.bar.signs.begins = True


def _numbers(text: str | None) -> frozenset[int]:
    """Return the numbers of an ending, such as those of 1,3 or 1-3."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, _, last = part.partition("-")
        if first:
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
