"""The tables, in the order of the page."""


def all_works():
    from works.relay import RELAY
    from works.static import STATIC

    return [RELAY, STATIC]
