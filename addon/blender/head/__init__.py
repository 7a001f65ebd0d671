"""A character in the scene: what belongs to it, what of it may be moved and how, and a head built from ICT-FaceKit."""
