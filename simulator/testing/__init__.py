"""Support for users' own tests: a pytest fixture for meshes, assertions that explain, Hypothesis strategies.

Installed with the extra `testing`. pytest loads `simulator.testing.plugin`.
"""
