"""Settings that every test shares: how many examples the property tests try."""

from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None)
settings.register_profile("truth", deadline=None, max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
