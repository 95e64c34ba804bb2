"""The text in a file, in the encodings that programs have written it in."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

# A Japanese word: kana, or Chinese characters that no Latin letter touches, as one may in French that is misread.
_JAPANESE = re.compile(r"[\u3041-\u30fe]|(?<![A-Za-z\u4e00-\u9fff])[\u4e00-\u9fff]{2,}(?![A-Za-z\u4e00-\u9fff])")
_NOT_LATIN = re.compile(rb"[\x80-\x9f]")  # with such a byte begin the common characters of Shift-JIS
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)""")
_WIDE = {"shift_jis", "cp932", "euc_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "cp949"}  # not known to expat
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def as_text(data: bytes) -> str:
    """Return the text of a file, or of a name in it; each line ends with a newline.

    It is UTF-8, as most is; or else Shift-JIS, if there are Japanese words in it; or else Windows-1252, or Latin-1,
    which has a letter for every byte.

    Args:
        data: the bytes.

    Example:
        >>> [as_text("Étude".encode(encoding)) for encoding in ("utf-8", "latin-1")]
        ['Étude', 'Étude']
        >>> as_text("ピアノ".encode("shift_jis"))
        'ピアノ'
    """
    for encoding in ("utf-8-sig", "cp932", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp932" or (_NOT_LATIN.search(data) and _JAPANESE.search(text)):
            break
    return text.replace("\r\n", "\n").replace("\r", "\n")


def mended_xml(data: bytes) -> str:
    """Return the text of XML that the parser refuses: without control characters, from whatever encoding it is in.

    The parser knows no encodings of East Asia, and some files are in another encoding than they say.

    Args:
        data: the file.
    """
    declared = _DECLARED.match(data[:200])
    codec = ""
    if declared:
        with suppress(LookupError):
            codec = codecs.lookup(declared[1].decode().removeprefix("x-")).name
    return _NOT_XML.sub("", data.decode(codec, "replace") if codec in _WIDE else as_text(data))
