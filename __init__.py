"""Blender's entry point; imports are late, so that listing extensions loads nothing else."""


def register() -> None:
    from .addon import blender

    blender.register(__package__)  # the real package name: preferences are kept under it


def unregister() -> None:
    from .addon import blender

    blender.unregister()
