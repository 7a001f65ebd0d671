"""espeak-ng through its library: pronunciations of words, and speech that knows when each of its phones sounds."""

from __future__ import annotations

import ctypes
import functools
import re
from typing import Any

import espeakng_loader
import numpy as np
import numpy.typing as npt

from . import languages
from .corpora import CorpusError
from .phones import Phone

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
_RATE, _PITCH = 1, 3  # espeak_PARAMETER


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
    library, _ = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise CorpusError(f"espeak-ng has no voice {voice!r}: espeak-ng --voices lists them")
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
    text: str, voice: str = "en-us", words_a_minute: int = 160, pitch: int = 50
) -> tuple[npt.NDArray[np.float32], int, tuple[Phone, ...]]:
    """Samples (N,), their rate, and the exact times of the phones; a voice that is not there is a CorpusError."""
    library, rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise CorpusError(f"espeak-ng has no voice {voice!r}: espeak-ng --voices lists them")
    library.espeak_SetParameter(_RATE, words_a_minute, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    blocks: list[npt.NDArray[np.int16]] = []
    heard: list[tuple[float, str]] = []

    def collect(samples: Any, count: int, events: Any) -> int:
        if count > 0:
            blocks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        place = 0
        while events[place].type != _END:
            if events[place].type == _PHONEME:
                heard.append((events[place].audio_position / 1000, events[place].name.decode("utf-8", "ignore")))
            place += 1
        return 0

    library.espeak_SetSynthCallback(callback := _Callback(collect))
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    del callback  # the library must not outlive what it calls
    samples = np.concatenate(blocks or [np.zeros(0, np.int16)]).astype(np.float32) / 32768
    return samples, rate, _phones(heard, len(samples) / rate, languages.language_of(voice))


def _phones(
    heard: list[tuple[float, str]], duration_s: float, language: languages.Language | None
) -> tuple[Phone, ...]:
    """Events to phones: one that stands for two ARPAbet phones is shared between them; a nameless one is a pause."""
    phones: list[Phone] = []
    ends = [start for start, _ in heard[1:]] + [duration_s]
    for (start_s, ipa), end_s in zip(heard, ends, strict=True):
        if language is None:
            names = [name.lower() for name in arpabet(ipa)] or ["sil"]
        else:
            names = [sound.label for sound in languages.sounds_of(ipa, language)] or ["sil"]
        step_s = (end_s - start_s) / len(names)
        if step_s > 0:
            phones += [Phone(n, start_s + i * step_s, start_s + (i + 1) * step_s) for i, n in enumerate(names)]
    return tuple(phones)
