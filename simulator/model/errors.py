"""What can go wrong in the simulator itself; callers translate these at one seam.

SimulatorError
├── ManifestError      a manifest cannot be read: names file and line
└── ConfigurationError a readable resource that istiod would refuse: names the resource and its file:line
"""


class SimulatorError(Exception):
    """The simulator cannot answer. `hint` says what to do about it; it may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ManifestError(SimulatorError):
    """A manifest cannot be read. `line` is 1-based; 0 means the file as a whole."""

    def __init__(self, message: str, *, path: str, line: int = 0, hint: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}", hint=hint)
        self.path = path
        self.line = line


class ConfigurationError(SimulatorError):
    """A resource is readable and yet would be refused by istiod or the API server."""
