"""For users' own tests: a pytest fixture that asks meshes, assertions that explain, Hypothesis strategies.

Installed with the extra `testing`. `simulator.testing.plugin` is what pytest loads.
"""
