"""What the animator asks of a line: settings, layers, emotions, markers and presets, and a live preview of them."""
