"""Messages in protobuf's text form."""

from kubectl_mesh.diagnosis.prototext import text_form


def test_faults_are_written_in_the_order_of_their_schema() -> None:
    """The order in a manifest does not matter, and a delay is seconds and nanoseconds."""
    fault = {
        "abort": {"percentage": {"value": 0.5}, "httpStatus": 503},
        "delay": {"percentage": {"value": 50}, "fixedDelay": "1m1.5s"},
    }
    assert text_form(fault) == (
        "delay:{fixed_delay:{seconds:61 nanos:500000000} percentage:{value:50}} "
        "abort:{http_status:503 percentage:{value:0.5}}"
    )


def test_matches_of_connections() -> None:
    """Lists repeat their name, labels are entries of a map."""
    match = {"port": 443, "sourceLabels": {"b": "2", "a": "1"}, "sniHosts": ["x.com", "y.com"]}
    assert text_form(match) == (
        'sni_hosts:"x.com" sni_hosts:"y.com" port:443 source_labels:{key:"a" value:"1"} '
        'source_labels:{key:"b" value:"2"}'
    )
