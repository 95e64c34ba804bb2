"""Small scores, written out as MusicXML."""


def musicxml(measures: str, *, part_list: str = "", attributes: str = "") -> bytes:
    """Return a score of one part, four divisions a quarter."""
    return (
        '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1">'
        f'<part-name>x</part-name>{part_list}</score-part></part-list><part id="P1"><measure number="1">'
        f"<attributes><divisions>4</divisions>{attributes}</attributes>{measures}</measure></part></score-partwise>"
    ).encode()


def xml_note(step: str, duration: int, *, before: str = "", after: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>4</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{after}</note>"
