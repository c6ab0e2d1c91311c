"""Field names in camelCase, data left alone."""

from kubectl_mesh.diagnosis.proto_json import camel_case


def test_field_names_change_and_data_does_not() -> None:
    """Names of fields become camelCase; keys of maps and of free-form values stay."""
    given = {
        "virtual_hosts": [{"typed_per_filter_config": {"envoy.some_filter": {"@type": "x", "max_size": 1}}}],
        "metadata": {"filter_metadata": {"istio": {"alpn_override": "x"}}},
        "rules": {"policies": {"ns[a_b]-policy[c]": {"any_field": True}}},
    }
    assert camel_case(given) == {
        "virtualHosts": [{"typedPerFilterConfig": {"envoy.some_filter": {"@type": "x", "maxSize": 1}}}],
        "metadata": {"filterMetadata": {"istio": {"alpn_override": "x"}}},
        "rules": {"policies": {"ns[a_b]-policy[c]": {"anyField": True}}},
    }


def test_free_form_values_stay() -> None:
    """Node metadata, a typed struct's value and a socket match's criteria keep their keys."""
    node = {"metadata": {"PROXY_CONFIG": {}, "some_key": 1}}
    typed = {"type_url": "t", "value": {"some_key": 1}}
    match = {"match": {"tls_mode": "istio"}, "transport_socket": {}}
    assert camel_case(node) == node
    assert camel_case(typed) == {"typeUrl": "t", "value": {"some_key": 1}}
    assert camel_case(match)["match"] == {"tls_mode": "istio"}


def test_camel_case_stays() -> None:
    """A document in camelCase is left as it is."""
    given = {"connectTimeout": "1s", "@type": "x", "list": [{"aB": 1}]}
    assert camel_case(given) == given
