"""What a house puts before or after the names of a head's keys: CC_Base_jawOpen, ns:jawOpen, 01_jawOpen, jawOpen_bs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from . import names

AFTER = re.compile(r"(?<=[\s_.\-:|])(?=[^\W_])")  # where a name may begin
BEFORE = re.compile(r"(?<=[^\W_])(?=[\s_.\-:|])")  # and where it may end
NUMBER = re.compile(r"\d+")
MEANT = re.compile(r"(?<![^\W\d_])(?:l|r|left|right|upper|lower|inner|outer|up|down|in|out)(?![^\W\d_])", re.IGNORECASE)
SHARE = 1 / 3  # of the keys must have an affix: head, teeth and tongue may each have their own
MOST = 3  # affixes of one end that are tried
LONGEST = 100  # letters of an affix; of a name with thousands of separators each would else begin a piece to its end
COMPANY = 3  # a key or two show no custom


def shorn(given: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """For each affix that many keys share, those keys without it: short name → key; no name that is there already."""
    own = [key for key in given if not names.is_corrective(key)]
    before, after = (["", *_shared(own, end)] for end in (AFTER, BEFORE))
    for first, last in [(first, last) for first in before for last in after if first or last]:
        whole = re.compile(f"{first}(.+){last}", re.DOTALL)
        short = [(match[1], key) for key in own if (match := whole.fullmatch(key))]
        often = Counter(name for name, _ in short) + Counter(given)
        yield {name: key for name, key in short if often[name] == 1}


def _shared(keys: list[str], end: re.Pattern[str]) -> list[str]:
    """The patterns that begin, or end, enough of the keys, the commonest first; a number stands for any other."""
    found: Counter[str] = Counter()
    for key in keys:
        near = key[:LONGEST] if end is AFTER else key[-LONGEST:]
        cuts = [place.start() for place in end.finditer(near)]
        pieces = [near[:cut] if end is AFTER else near[cut:] for cut in cuts]
        found.update(list(dict.fromkeys(_pattern(piece) for piece in pieces if not MEANT.search(piece))))
    least = max(COMPANY, SHARE * len(keys))
    return [pattern for pattern, count in found.most_common(MOST) if count >= least]


def _pattern(piece: str) -> str:
    return r"\d+".join(re.escape(part) for part in NUMBER.split(piece))
