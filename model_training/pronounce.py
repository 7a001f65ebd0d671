"""Pronunciations guessed for words that no dictionary holds: espeak-ng's phonemes, written in ARPAbet."""

from __future__ import annotations

import ctypes
import functools
import re

import espeakng_loader

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
_IPA_MODE = 0x02  # espeak_TextToPhonemes: bit 1 asks for IPA in UTF-8
_UTF8 = 1


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize(1, 0, espeakng_loader.get_data_path().encode(), 0)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    return library


@functools.cache
def guess(word: str) -> tuple[str, ...]:
    """The ARPAbet phones, upper case without stress, that espeak-ng would speak for a word; empty where it has none."""
    text = ctypes.create_string_buffer(word.encode())
    pointer = ctypes.c_void_p(ctypes.addressof(text))
    ipa = _library().espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _IPA_MODE)
    return arpabet(ipa.decode() if ipa else "")


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
