"""Providers: each says how to read one facet of one cloud; the core does everything else."""
