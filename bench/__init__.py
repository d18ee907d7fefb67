"""Ours and the others in one run: medians and ratios, never absolute promises."""
