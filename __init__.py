"""Blender's entry point; imports are late, so that listing extensions loads nothing else."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from .addon import blender

    blender.register(__package__)  # the real package name: preferences are kept under it


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from .addon import blender

    blender.unregister()
