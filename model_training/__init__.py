"""Training outside Blender: a corpus of speech becomes the ONNX model that the add-on runs."""
