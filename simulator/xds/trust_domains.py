"""Principals of the mesh's trust domain, repeated for every alias of it.

istiod: pilot/pkg/security/trustdomain/bundle.go.
"""

from collections.abc import Sequence

DEFAULT_DOMAIN = "cluster.local"


def replace_aliases(principals: Sequence[str], domains: Sequence[str]) -> Sequence[str]:
    """Repeat each full SPIFFE principal of one of `domains` for all of them; others stay as they are."""
    replaced: list[str] = []
    for principal in principals:
        domain, *rest = principal.split("/")
        if len(rest) != 4 or domain == "*" or not (domain == DEFAULT_DOMAIN or _is_one_of(domain, domains)):
            replaced.append(principal)
            continue
        spellings = [principal if _suffix_matches(own, domain) else "/".join([own, *rest]) for own in domains]
        replaced += dict.fromkeys(spellings)
    return replaced


def expand_aliases(values: Sequence[str], domains: Sequence[str]) -> Sequence[str]:
    """Replace one of `domains` by all of them, each once."""
    return list(dict.fromkeys(name for value in values for name in (domains if value in domains else [value])))


def _is_one_of(domain: str, domains: Sequence[str]) -> bool:
    return any(
        domain == own
        or own == "*"
        or _prefix_matches(domain, own)
        or _prefix_matches(own, domain)
        or _suffix_matches(domain, own)
        or _suffix_matches(own, domain)
        for own in domains
    )


def _prefix_matches(text: str, pattern: str) -> bool:
    return pattern.endswith("*") and text.startswith(pattern[:-1])


def _suffix_matches(text: str, pattern: str) -> bool:
    return pattern.startswith("*") and text.endswith(pattern[1:])
