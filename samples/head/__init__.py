"""The demo head: its form, its mesh, its shape keys and its looks, all computed; lengths are centimetres."""
