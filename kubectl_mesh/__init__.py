"""The kubectl plugin: fetch a mesh, ask the engine, print the answer."""

__version__ = "0.1.0"
