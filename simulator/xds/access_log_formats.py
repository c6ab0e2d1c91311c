"""Access loggers that write lines: their default formats and the file logger.

istiod: pilot/pkg/model/telemetry_logging.go.
"""

import json

from simulator.model.wire import Json
from simulator.xds.envoy_messages import any_message, message, typed

FILE_LOGGER = "envoy.access_loggers.file"
TEXT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% '
    '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% '
    "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
JSON_FORMAT: Json = {
    "authority": "%REQ(:AUTHORITY)%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "duration": "%DURATION%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "route_name": "%ROUTE_NAME%",
    "start_time": "%START_TIME%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "user_agent": "%REQ(USER-AGENT)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
}
_WITHOUT_QUERY = "%REQ_WITHOUT_QUERY"
_FORMATTER: Json = {
    "name": "envoy.formatter.req_without_query",
    "typed_config": any_message("envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"),
}


def formatters(*texts: object) -> list[Json]:
    """Return the formatter extensions that command operators in `texts` need."""
    return [_FORMATTER] if any(isinstance(text, str) and _WITHOUT_QUERY in text for text in texts) else []


def text_format(text: str, *, omit_empty: bool = False) -> Json:
    """Return a line format; empty text means the default, and every line ends with a newline."""
    line = TEXT_FORMAT if not text else text if text.endswith("\n") else text + "\n"
    return message(
        text_format_source={"inline_string": line}, omit_empty_values=omit_empty or None, formatters=formatters(line)
    )


def json_format(fields: Json | None, *, omit_empty: bool = False) -> Json:
    """Return a JSON format; no fields means the default ones."""
    chosen = fields or JSON_FORMAT
    return message(
        json_format=chosen,
        json_format_options={},
        omit_empty_values=omit_empty or None,
        formatters=formatters(*chosen.values()),
    )


def file_logger(path: str, log_format: Json) -> Json:
    """Return a logger that writes to a file."""
    return typed(FILE_LOGGER, "envoy.extensions.access_loggers.file.v3.FileAccessLog", path=path, log_format=log_format)


def mesh_file_logger(mesh: Json, path: str) -> Json:
    """Return the file logger by the mesh's own encoding and format."""
    text = mesh.get("accessLogFormat") or ""
    if (mesh.get("accessLogEncoding") or "TEXT") != "JSON":
        return file_logger(path, text_format(text))
    try:
        fields = json.loads(text) if text else None
    except ValueError:
        fields = None
    return file_logger(path, json_format(fields if isinstance(fields, dict) else None))
