"""Reporters: one file per format, each turning a ``Report`` into bytes."""
