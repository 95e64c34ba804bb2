"""Files of each kind to begin with."""

CONTAINER = b'<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'

SCORE = b"""<score-partwise><part-list><score-part id="P1"><part-name>a</part-name></score-part></part-list>
<part id="P1">
<measure number="1"><attributes><divisions>2</divisions><key><fifths>1</fifths></key><time><beats>3</beats>
<beat-type>4</beat-type></time></attributes><direction><sound tempo="90"/></direction><note><pitch>
<step>F</step><alter>1</alter>
<octave>4</octave></pitch><duration>4</duration><tie type="start"/></note><note><chord/><pitch>
<step>A</step><octave>4</octave></pitch><duration>4</duration></note><backup><duration>2</duration></backup><note><rest/><duration>2
</duration></note><barline><repeat direction="backward"/></barline></measure></part></score-partwise>"""

RUN = b"""format_version = 2
command = "train"
seed = 5

[corpus]
name = "x"
source = "x"
sha256 = "0"
provenance = "test"
comparable = false
frames_per_quarter = 2

[recipe]
start = "laes"

[recipe.training]
epochs = 3
learning_rate = 0.002
"""

TUNES = [
    b"""X:1
T:One
M:3/4
L:1/8
Q:1/4=100
K:Gmix
V:1 clef=bass transpose=-12
|:"G"G2 [GB]2 d-|d>c {a}B/A/ (3GAB z2 &E4 x2|1 ^F4,:|[2 _A''6!D.C.!|]
%%MIDI program 40
[K:Am] [M:6/8] a3 Z2 | w: la % and so on
X:2
K:C
CDEF|
""",
    b"X:1\nL:1/4\nV:1\nV:2\nP:AB\nI:propagate-accidentals pitch\nK:D\n[V:1]S ab|[V:2]O (5cdefg|ab>c'::a//|",
]

SPINES = b"""**kern\t**kern
*M3/4\t*M3/4
*k[f#]\t*k[f#]
*>[A,A]\t*>[A,A]
=1\t=1
4G[ 8D\t4.gg#
*\t*^
8G]\t4a\t8.b-
4r\t[4c\t16d
*\t*v\t*v
=:|!\t=:|!
*-\t*-
"""
