"""The main job from end to end on this machine, with real processes: `headwater demo`."""
