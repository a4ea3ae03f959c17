"""The tables, in the order of the page."""


def all_works():
    from works.http2 import H2_RELAY, H2_STATIC, TLS_H2_RELAY, TLS_H2_STATIC
    from works.relay import RELAY
    from works.static import STATIC
    from works.tls import TLS_RELAY, TLS_STATIC

    return [RELAY, STATIC, TLS_RELAY, TLS_STATIC, TLS_H2_RELAY, TLS_H2_STATIC, H2_RELAY, H2_STATIC]
