"""The tables, in the order of the page."""


def all_works():
    from works.http2 import H2_RELAY, H2_STATIC, TLS_H2_RELAY, TLS_H2_STATIC
    from works.kafka import KAFKA_1, KAFKA_16
    from works.paths import PATHS_RELAY, PATHS_STATIC
    from works.relay import RELAY
    from works.static import STATIC
    from works.tcp import TCP, TCP_REVERSE
    from works.tls import TLS_RELAY, TLS_STATIC

    http = [RELAY, STATIC, TLS_RELAY, TLS_STATIC, TLS_H2_RELAY, TLS_H2_STATIC, H2_RELAY, H2_STATIC]
    return [*http, TCP, TCP_REVERSE, KAFKA_1, KAFKA_16, PATHS_RELAY, PATHS_STATIC]
