"""A saved or fetched Envoy config dump, by section, in the spelling istioctl prints.

istioctl: pkg/util/configdump. Dumps of other Envoy versions are read too: unknown fields stay, unknown types are kept.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kubectl_mesh.diagnosis.proto_json import camel_case
from kubectl_mesh.errors import InputError, NothingFound
from simulator.model.wire import Json

_ADMIN = "type.googleapis.com/envoy.admin.v3."


@dataclass(slots=True)
class ConfigDump:
    """One proxy's config dump. Sections are converted on first use."""

    configs: list[Any]
    _sections: dict[str, list[Json]] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, data: bytes, *, subject: str = "config dump") -> "ConfigDump":
        """Read the JSON that `/config_dump` prints."""
        document = decode(data, subject=subject)
        configs = document.get("configs") if isinstance(document, dict) else None
        if configs is None:
            configs = []
        if not isinstance(configs, list) or not isinstance(document, dict):
            raise InputError(
                f"{subject}: not an Envoy config dump", hint="save one with: curl localhost:15000/config_dump"
            )
        return cls(configs)

    def sections(self, kind: str) -> list[Json]:
        """Return every section of a kind, such as `EcdsConfigDump`; Envoy prints some of them several times."""
        if kind not in self._sections:
            found = [section for section in self.configs if isinstance(section, dict)]
            self._sections[kind] = [camel_case(each) for each in found if each.get("@type") == _ADMIN + kind]
        return self._sections[kind]

    def section(self, kind: str, *, asked: str = "") -> Json:
        """Return the last section of a kind, as istioctl reads it; the error when there is none begins with `asked`."""
        found = self.sections(kind)
        if not found:
            raise NothingFound(
                f"{asked}{': ' if asked else ''}config dump has no configuration type {_ADMIN}{kind}",
                hint="the dump may be cut to other sections: fetch config_dump?include_eds=true",
            )
        return found[-1]


def decode(data: bytes, *, subject: str) -> Any:
    """Decode JSON, or raise an `InputError` that says where it breaks."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise InputError(f"{subject}: not JSON: {error}", hint="is the file cut short?") from error
    except RecursionError as error:
        raise InputError(f"{subject}: nested too deeply") from error


@contextmanager
def reading(subject: str) -> Iterator[None]:
    """Turn exceptions about the shape of a document into an `InputError`: files may contain any JSON."""
    try:
        yield
    except (TypeError, AttributeError, KeyError, IndexError, ValueError) as error:
        raise InputError(
            f"{subject}: not shaped as Envoy writes it ({error})",
            hint="fetch it again: curl localhost:15000/config_dump",
        ) from error
    except RecursionError as error:
        raise InputError(f"{subject}: nested too deeply") from error


def messages(section: Json, lists: dict[str, str]) -> list[Json]:
    """Return the messages of a section; `lists` maps the name of a list to the field that holds an entry's message."""
    found = []
    for name, holder in lists.items():
        for entry in section.get(name) or ():
            message = entry.get(holder) if isinstance(entry, dict) else None
            if isinstance(message, dict):
                found.append(untyped(message))
    return found


def untyped(message: Json) -> Json:
    """Return a message without the `@type` of the Any that held it, as it prints once unpacked."""
    return {key: value for key, value in message.items() if key != "@type"}


def described(metadata: Any) -> str:
    """Name the Istio resource that Envoy metadata points to as `name.namespace`, as istioctl's last columns do.

    A path of another API group gives `<unknown>`, no path or one of another length nothing.
    """
    about = ((metadata or {}).get("filterMetadata") or {}).get("istio") or {}
    if "config" not in about:
        return ""
    config = about["config"]
    if not isinstance(config, str) or not config.startswith("/apis/networking.istio.io/"):
        return "<unknown>"
    parts = config.split("/")
    return f"{parts[7]}.{parts[5]}" if len(parts) == 8 else ""


def listed(value: Any) -> list[Any]:
    """Return a repeated field, empty when absent."""
    return value if isinstance(value, list) else []
