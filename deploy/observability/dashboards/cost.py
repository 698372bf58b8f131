"""What Claude costs, and what is left of providers' limits."""

from __future__ import annotations

from deploy.observability.dashboards.panels import Dashboard, Panel

BOARD = Dashboard(
    "axiom-cost",
    "Axiom: cost",
    {
        "Budget": (
            Panel("Today", "currencyUSD", {"": 'max(axiom_llm_spent_usd{period="day"})'}, number=True),
            Panel("This month", "currencyUSD", {"": 'max(axiom_llm_spent_usd{period="month"})'}, number=True),
            Panel(
                "Left this month",
                "currencyUSD",
                {"": 'max(axiom_llm_cap_usd{period="month"}) - max(axiom_llm_spent_usd{period="month"})'},
                number=True,
            ),
            Panel(
                "Spent of the cap",
                "percentunit",
                {"{{period}}": "max by (period) (axiom_llm_spent_usd / axiom_llm_cap_usd)"},
                about="From 80 % on conservation mode holds; at 100 % nothing is asked.",
            ),
            Panel("Mode", "none", {"{{mode}}": "max by (mode) (axiom_llm_budget_mode)"}),
            Panel(
                "Calls in flight at a kill",
                "short",
                {"lost": "sum(axiom_llm_in_flight_at_kill_total)"},
                about="Paid at their worst case, without an answer.",
            ),
        ),
        "Where it goes": (
            Panel(
                "Dollars an hour by pipeline",
                "currencyUSD",
                {"{{pipeline}}": "sum by (pipeline) (increase(axiom_llm_cost_usd_total[1h]))"},
                stacked=True,
            ),
            Panel(
                "Dollars an hour by model",
                "currencyUSD",
                {"{{model}}": "sum by (model) (increase(axiom_llm_cost_usd_total[1h]))"},
                stacked=True,
            ),
            Panel(
                "Dollars for a thousand attempts",
                "currencyUSD",
                {
                    "{{pipeline}}": "1000 * sum by (pipeline) (increase(axiom_llm_cost_usd_total[1h])) "
                    "/ sum by (pipeline) (increase(axiom_llm_calls_total[1h]))"
                },
            ),
        ),
        "Providers": (
            Panel(
                "The fullest limit",
                "percentunit",
                {"{{provider}}": "max by (provider) (axiom_quota_fullest_ratio)"},
                about="As of the last call.",
            ),
            Panel(
                "Calls a second",
                "reqps",
                {"{{purpose}}": "sum by (provider, purpose) (rate(axiom_quota_calls_total[5m]))"},
            ),
            Panel(
                "Refused by our own books",
                "reqps",
                {
                    "{{window}}": "sum by (provider, window) (rate(axiom_quota_refused_total[5m])) "
                    "or vector(0)"
                },
            ),
        ),
    },
)
