"""Cases of other tools' test files, while they are translated."""

from dataclasses import dataclass

from kubectl_mesh.meshtest.model import Case, Expectation, RequestSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A case being translated; `skip` says what cannot be."""

    name: str
    sender: str
    position: str
    method: str
    headers: tuple[tuple[str, str], ...] = ()
    random: float | None = None
    skip: str = ""

    def case(self, url: str, expect: Expectation | None, *, suffix: str = "") -> Case:
        """Return the case for one URL; it is skipped where it has no expectation."""
        reason = self.skip or ("" if expect is not None else "nothing is expected")
        return Case(
            name=f"{self.name}{suffix}",
            sender=self.sender,
            request=RequestSpec(url=url, method=self.method, headers=self.headers, random=self.random),
            expect=expect if expect is not None else Expectation(),
            position=self.position,
            skip=reason,
        )
