"""The faults of a served mesh, which only the simulator's own API server plays."""

from collections.abc import Sequence

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.base import Connection
from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.credentials import configure
from kubectl_mesh.sources.live.failures import Missing
from simulator.model.wire import Json

_PATH = "/simulator/faults"


class ServedFaults:
    """Lists, begins and ends the faults that a served mesh plays."""

    def __init__(self, connection: Connection) -> None:
        self._api = ApiServer(configure(connection))

    def playing(self) -> Sequence[Json]:
        """Return the faults being played, oldest first."""
        found: Sequence[Json] = self._send("GET", _PATH, None)["faults"]
        return found

    def begin(self, fault: Json) -> Json:
        """Begin to play a fault and return it with its number."""
        return self._send("POST", _PATH, fault)

    def end(self, number: int | None = None) -> int:
        """Stop playing a fault, or all; return how many were played."""
        path = _PATH if number is None else f"{_PATH}/{number}"
        return int(self._send("DELETE", path, None)["ended"])

    def _send(self, method: str, path: str, document: Json | None) -> Json:
        try:
            return self._api.send(method, path, document)
        except Missing as error:
            if "no fault has" in str(error):
                raise
            raise SourceError(
                f"{self._api.host}: not a served mesh, so it has no faults",
                hint="kubectl mesh simulate serve --demo starts one",
            ) from error
