"""What every other room stands on: Blender versions, slow work and its reports, lines and what was heard of them."""
