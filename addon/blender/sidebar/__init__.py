"""The Facewright tab of the 3D view's sidebar, and the operators behind its buttons."""
