#!/bin/sh
# Speaks the demo lines: needs Debian's flite and espeak-ng. Our own sentences and free voices, so the sounds are ours.
set -eu
cd "$(dirname "$0")"

flite -voice slt -o maybe_my_brother_bob.wav -t \
  "Maybe my brother Bob prefers five fresh plums. Who would have thought? We may move above the moon!"
flite -voice rms -o every_voice_you_love.wav -t \
  "Every voice you love moves a face. Speak, and watch me whisper, oh so softly: boom!"
espeak-ng -v de -s 140 -w wir_bauen_viele_boote.wav \
  "Wir bauen viele Boote, und im Mai fahren wir übers blaue Meer."
