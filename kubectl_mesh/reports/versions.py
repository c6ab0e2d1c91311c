"""Versions of the parts of a mesh.

istioctl: pkg/version/cobra.go.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class IstiodVersion:
    """One istiod."""

    istiod: str
    version: str
    git_revision: str = ""
    status: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyVersion:
    """One connected proxy."""

    proxy: str
    version: str
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """What runs where."""

    client: str
    istiods: tuple[IstiodVersion, ...] = ()
    proxies: tuple[ProxyVersion, ...] = ()
    reached: bool = True

    def lines(self) -> list[str]:
        """Return the short text: one line for the client, the control plane, the data plane."""
        lines = [f"client version: {self.client}"]
        if len({istiod.version for istiod in self.istiods}) == 1:
            lines.append(f"control plane version: {self.istiods[0].version}")
        else:
            lines += [f"{istiod.istiod} version: {istiod.version}" for istiod in self.istiods]
        if self.reached:
            counts = sorted(Counter(proxy.version for proxy in self.proxies).items())
            text = ", ".join(f"{version} ({count} proxies)" for version, count in counts)
            lines.append(f"data plane version: {text or 'none'}")
        return lines

    def document(self) -> dict[str, Any]:
        """Return the document, its keys those of istioctl."""
        mesh = [
            {
                "Component": "pilot",
                "Revision": istiod.revision,
                "Info": {
                    "version": istiod.version,
                    "revision": istiod.git_revision,
                    "golang_version": "",
                    "status": istiod.status,
                    "tag": istiod.version if istiod.status else "",
                },
                "ID": istiod.istiod,
            }
            for istiod in self.istiods
        ]
        proxies = [{"ID": each.proxy, "IstioVersion": each.version, "Type": each.type} for each in self.proxies]
        document: dict[str, Any] = {"clientVersion": {"version": self.client}}
        return document | ({"meshVersion": mesh, "dataPlaneVersion": proxies} if self.reached else {})
