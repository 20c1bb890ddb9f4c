"""The genesis document: presets, allocations, validators and their checks."""
