"""espeak-ng through its library: pronunciations of words, and speech that knows when each of its phones sounds.

The library says at which sample a phoneme begins, but not quite what a mouth means by that. The closure of a stop is
silence that it plays before it announces the stop, and the way from a nasal into a vowel is sung before the vowel is
announced. Both are put right from the samples, which are exactly silent in the one and leap in the other.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import espeakng_loader
import numpy as np
import numpy.typing as npt

from . import languages
from .corpora import CorpusError
from .phones import STOPS, VOWELS, Phone

# espeak-ng's American English phonemes (IPA) to ARPAbet without stress; longest spellings first when matched.
IPA_TO_ARPABET = {
    "aɪɚ": "AY ER", "aɪə": "AY AH", "aʊɚ": "AW ER", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɑːɹ": "AA R", "ɛɹ": "EH R",
    "ɪɹ": "IH R", "ʊɹ": "UH R", "əl": "AH L", "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY",
    "oʊ": "OW", "ɔɪ": "OY", "iə": "IY AH", "ɜː": "ER", "ɚ": "ER", "iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO",
    "ɐ": "AH", "ə": "AH", "ʌ": "AH", "æ": "AE", "a": "AA", "ɛ": "EH", "e": "EH", "ɪ": "IH", "i": "IY", "ᵻ": "IH",
    "ɔ": "AO", "o": "OW", "ɒ": "AA", "ʊ": "UH", "u": "UW", "b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G",
    "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S",
    "ʃ": "SH", "t": "T", "ɾ": "T", "ʔ": "T", "θ": "TH", "v": "V", "w": "W", "x": "K", "z": "Z", "ʒ": "ZH",
    "n̩": "AH N", "l̩": "AH L", "ɬ": "L", "ç": "HH", "y": "UW", "ø": "ER", "œ": "ER",
}  # fmt: skip
_SPELLINGS = sorted(IPA_TO_ARPABET, key=len, reverse=True)

# From espeak-ng's speak_lib.h.
_RETRIEVAL = 1  # espeak_Initialize: hand the samples over instead of playing them
_PHONEME_EVENTS_IPA = 0x0003
_IPA = 0x02  # espeak_TextToPhonemes: bit 1 asks for IPA in UTF-8
_UTF8 = 1
_END, _PHONEME = 0, 7  # event types
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER


SILENT = 0.01  # of the loudest sample: a closure
SHORTEST_CLOSURE_S = 0.005
LONGEST_CLOSURE_S = 0.06  # of a pause, where a stop follows one: so much of it is the closure
HEARD_BURST_S = 0.015  # a closure at least so long ends in the burst that the library announces
NASALS = ("m", "n", "ng")
LEAP_S = (0.06, 0.005)  # how long before and after its event a vowel can break out of a nasal,
LEAP_DB = 6.0  # and by how much at least the high frequencies grow there within 10 ms


@dataclass(frozen=True)
class Heard:
    """What the library announced: the names of one or more phones, none for a pause, from one sample to another."""

    names: tuple[str, ...]
    start: int
    end: int
    burst: int | None = None


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@functools.cache
def _library() -> tuple[Any, int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), _PHONEME_EVENTS_IPA)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    library.espeak_SetVoiceByName(b"en-us")
    return library, rate


def _with_voice(voice: str) -> tuple[Any, int]:
    library, rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise CorpusError(f"espeak-ng has no voice {voice!r}: espeak-ng --voices lists them")
    return library, rate


@functools.cache
def guess(word: str) -> tuple[str, ...]:
    """The ARPAbet phones, upper case without stress, that espeak-ng would speak for a word; empty where it has none."""
    library, _ = _library()
    library.espeak_SetVoiceByName(b"en-us")
    text = ctypes.create_string_buffer(word.encode())
    pointer = ctypes.c_void_p(ctypes.addressof(text))
    ipa = library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _IPA)
    return arpabet(ipa.decode() if ipa else "")


def transcribe(text: str, voice: str) -> list[str]:
    """What espeak-ng says for a text, one IPA string a spoken word; a voice that is not there is a CorpusError."""
    library, _ = _with_voice(voice)
    encoded = ctypes.create_string_buffer(text.encode())
    pointer = ctypes.c_void_p(ctypes.addressof(encoded))
    words: list[str] = []
    while pointer.value:  # a clause each time
        said = library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _IPA)
        words += said.decode().split() if said else []
    return words


def arpabet(ipa: str) -> tuple[str, ...]:
    """The phones of an IPA string, longest spelling first; marks and sounds that English lacks are passed over."""
    ipa = re.sub(r"[ˈˌ‍\s]", "", ipa)
    phones: list[str] = []
    at = 0
    while at < len(ipa):
        spelling = next((s for s in _SPELLINGS if ipa.startswith(s, at)), "")
        if spelling:
            phones.extend(IPA_TO_ARPABET[spelling].split())
        at += len(spelling) or 1
    return tuple(phones)


def speak(
    text: str, voice: str = "en-us", words_a_minute: int = 160, pitch: int = 50, pitch_range: int = 50
) -> tuple[npt.NDArray[np.float32], int, tuple[Phone, ...]]:
    """Samples (N,), their rate, and the exact times of the phones; a voice that is not there is a CorpusError.

    A voice may carry a variant, as in fr+m3; pitch and pitch_range go from 0 to 100.
    """
    library, rate = _with_voice(voice)
    for parameter, value in ((_RATE, words_a_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
        library.espeak_SetParameter(parameter, value, 0)
    blocks: list[npt.NDArray[np.int16]] = []
    events: list[tuple[int, str]] = []

    def collect(samples: Any, count: int, told: Any) -> int:
        if count > 0:
            blocks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        place = 0
        while told[place].type != _END:
            if told[place].type == _PHONEME:
                events.append((told[place].sample, told[place].name.decode("utf-8", "ignore")))
            place += 1
        return 0

    library.espeak_SetSynthCallback(callback := _Callback(collect))
    for said in ("a", text):  # after transcriptions the first phone that it speaks may go by unannounced
        blocks.clear()
        events.clear()
        encoded = said.encode()
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    del callback  # the library must not outlive what it calls
    samples = np.concatenate(blocks or [np.zeros(0, np.int16)]).astype(np.float32) / 32768
    heard = _heard(events, len(samples), languages.language_of_voice(voice))
    return samples, rate, _phones(_corrected(heard, samples, rate), rate)


def _heard(events: Sequence[tuple[int, str]], count: int, language: languages.Language | None) -> list[Heard]:
    """The announced phones; a nameless event is a pause, and a sign of no sound belongs to the phone before it."""
    heard: list[Heard] = []
    if events and events[0][0] > 0:
        heard.append(Heard((), 0, events[0][0]))
    ends = [start for start, _ in events[1:]] + [count]
    for (start, ipa), end in zip(events, ends, strict=True):
        if language is None:
            names = tuple(name.lower() for name in arpabet(ipa))
        else:
            names = tuple(sound.label for sound in languages.sounds_of(ipa, language))
        if heard and not names and (ipa or not heard[-1].names):
            heard[-1] = replace(heard[-1], end=end)
        elif end > start:
            heard.append(Heard(names, start, end))
    return heard


def _corrected(heard: Sequence[Heard], samples: npt.NDArray[np.float32], rate: int) -> list[Heard]:
    """Closures given to their stops, and vowels begun where they break out of a nasal."""
    put = list(heard)
    silent = np.abs(samples) < SILENT * np.abs(samples).max(initial=0)
    for index in range(1, len(put)):
        before, phone = put[index - 1], put[index]
        if not phone.names:
            continue
        start, burst = phone.start, None
        if phone.names[0] in VOWELS:
            if before.names and before.names[-1] in NASALS:
                start = _leap(samples, start, rate)
        else:
            closed = _silent_before(silent, start)
            if not before.names:
                closed = min(closed, round(LONGEST_CLOSURE_S * rate)) if phone.names[0] in STOPS else 0
            if closed >= SHORTEST_CLOSURE_S * rate:
                start -= closed
            if closed >= HEARD_BURST_S * rate and phone.names[0] in STOPS:
                burst = phone.start
        start = max(start, before.start + 1)
        put[index - 1], put[index] = replace(before, end=start), replace(phone, start=start, burst=burst)
    return put


def _silent_before(silent: npt.NDArray[np.bool_], at: int) -> int:
    """How many samples before one are silent without a break."""
    loud = np.flatnonzero(~silent[:at])
    return at - (int(loud[-1]) + 1 if len(loud) else 0)


def _leap(samples: npt.NDArray[np.float32], at: int, rate: int) -> int:
    """Where, around a sample, high frequencies grow most steeply; the sample itself where they do not leap."""
    hop = rate // 400  # 2.5 ms
    first = at - round(LEAP_S[0] * rate) // hop * hop
    sharp = np.diff(samples[max(first - 2 * hop, 0) : at + round(LEAP_S[1] * rate) + 2 * hop]) ** 2
    frames = sharp[: len(sharp) // hop * hop].reshape(-1, hop).mean(axis=1)
    if first < 2 * hop or len(frames) < 5:
        return at
    loud = 10 * np.log10(np.convolve(frames, np.ones(2), mode="valid") + 1e-10)  # (T - 1,), 5 ms each
    growth = loud[2:] - loud[:-2]  # from the 5 ms before a moment to the 5 ms after it
    best = int(growth.argmax())
    return first + best * hop if growth[best] >= LEAP_DB else at


def _phones(heard: Sequence[Heard], rate: int) -> tuple[Phone, ...]:
    """Phones in seconds; what stands for two of them is shared between them, its closure with the first."""
    phones: list[Phone] = []
    for one in heard:
        names = one.names or ("sil",)
        step = (one.end - one.start) / len(names)
        for place, name in enumerate(names):
            start_s, end_s = (one.start + place * step) / rate, (one.start + (place + 1) * step) / rate
            burst_s = one.burst / rate if one.burst is not None and place == 0 else None
            phones.append(Phone(name, start_s, end_s, burst_s))
    return tuple(phones)
