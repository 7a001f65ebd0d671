"""Audio to facial curves with numpy and onnxruntime alone; start reading at pipeline.py."""
