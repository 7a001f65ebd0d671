"""The words of a recording without a transcript, as Moonshine tiny hears them: English, from PyPI's moonshine-voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from addon.core.audio import RATE

from .corpora import CorpusError

WHOLE = {"vad_threshold": "0.0", "vad_max_segment_duration": "40"}  # one stretch: cut at pauses it invents short words


class Recogniser:
    """Moonshine tiny; CorpusError where the package that carries it is missing."""

    def __init__(self) -> None:
        try:
            import moonshine_voice as moonshine  # only lines without a transcript need it
        except ImportError as error:
            raise CorpusError("writing down words needs the package moonshine-voice: install the extra base") from error
        model = f"{moonshine.get_assets_path()}/tiny-en"
        self._transcriber = moonshine.Transcriber(model, moonshine.ModelArch.TINY, options=WHOLE)

    def words(self, samples: npt.NDArray[np.float32]) -> str:
        """What is said in 16 kHz samples (N,)."""
        heard = self._transcriber.transcribe_without_streaming(samples.tolist(), RATE)
        return " ".join(line.text for line in heard.lines)
