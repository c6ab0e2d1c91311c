"""Log levels of one Envoy or ztunnel, which requests to `/logging` change.

Envoy: source/server/admin/logs_handler.cc; the loggers are those of Envoy 1.38 (source/common/common/logger.h).
"""

from collections.abc import Mapping

from simulator.istiod.pages import Page, text

LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")
LOGGERS = (
    "admin", "alternate_protocols_cache", "aws", "assert", "backtrace", "basic_auth", "cache_filter", "client",
    "config", "connection", "conn_handler", "compression", "credential_injector", "decompression", "dns", "dubbo",
    "envoy_bug", "ext_authz", "ext_proc", "rocketmq", "file", "filter", "forward_proxy", "geolocation", "grpc",
    "happy_eyeballs", "hc", "health_checker", "http", "http2", "hystrix", "init", "io", "jwt", "kafka",
    "key_value_store", "lua", "local_rate_limit", "main", "matcher", "mcp", "misc", "mongo", "multi_connection",
    "notification", "oauth2", "quic", "quic_stream", "pool", "rate_limit_quota", "rbac", "rds", "redis", "router",
    "runtime", "stats", "secret", "tap", "testing", "thrift", "tracing", "upstream", "udp", "wasm", "websocket",
    "golang", "stats_sinks", "dynamic_modules",
)  # fmt: skip
_USAGE = """
usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: trace debug info warning error critical off
"""


class Loggers:
    """The loggers of one Envoy."""

    def __init__(self, level: str = "warning") -> None:
        self.levels: dict[str, str] = dict.fromkeys(LOGGERS, level)

    def post(self, query: Mapping[str, str]) -> Page:
        """Answer POST `/logging`: set the levels in the query and list all levels."""
        if len(query) > 1:
            return _refused("invalid argument")
        for name, value in query.items():
            problem = self._change(name, value)
            if problem:
                return _refused(problem)
        return text("active loggers:\n" + "".join(f"  {name}: {level}\n" for name, level in self.levels.items()) + "\n")

    def _change(self, name: str, value: str) -> str:
        if name == "paths":
            pairs = [part.partition(":")[::2] for part in value.split(",") if part]
        elif name == "level":
            pairs = [(logger, value) for logger in self.levels]
        else:
            pairs = [(name, value)]
        wanted = {logger: "warning" if level == "warn" else level for logger, level in pairs}
        if any(level not in LEVELS for level in wanted.values()):
            return "unknown logger level"
        if any(logger not in self.levels for logger in wanted):
            return "unknown logger name"
        self.levels.update(wanted)
        return ""


def _refused(problem: str) -> Page:
    return text(f"error: {problem}\n{_USAGE}", status=400)


class ZtunnelLevel:
    """The log filter of one ztunnel (ztunnel: src/admin.rs, `/logging`)."""

    def __init__(self) -> None:
        self.level = "info"

    def post(self, query: Mapping[str, str]) -> Page:
        """Answer POST `/logging`: set or reset the filter and return it."""
        level = query.get("level", "")
        if "reset" in query:
            self.level = "info"
        if level:
            self.level = level if "reset" not in query else f"info,{level}"
        return text(f"current log level is hickory_server::server::server_future=off,{self.level}\n")
