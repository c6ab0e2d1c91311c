"""Reports as JSON."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubectl_mesh.render.structured import to_json

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers() | st.booleans(), inner)
    ),
)


@given(values, st.integers(0, 4))
def test_json_is_what_the_standard_library_writes(value: Any, indent: int) -> None:
    """Any value is written as `json.dumps` writes it with that indent."""
    assert to_json(value, indent=indent) == json.dumps(value, indent=indent, ensure_ascii=False)
