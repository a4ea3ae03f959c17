"""What tables over sizes can't show, in the order of the page."""


def all_scenarios():
    from scenarios import churn, cold, equal, growth, idle, many, reload, slow

    return [one for module in (equal, idle, slow, cold, churn, reload, growth, many) for one in module.SCENARIOS]
