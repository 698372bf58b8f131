"""Throughput and lag, what the databases hold, how good the data is, how busy the workers are."""

from __future__ import annotations

from deploy.observability.dashboards.panels import Dashboard, Panel

THROUGHPUT = (
    Panel("Availability", "percentunit", {"": "avg(axiom:available:ratio)"}, number=True),
    Panel("Records that wait", "short", {"": "sum(axiom:lag_records:sum)"}, number=True),
    Panel("Success of a day", "percentunit", {"{{of}}": "axiom:success:ratio1d"}, number=True),
    Panel(
        "Records a second",
        "reqps",
        {"{{consumer}}": 'sum by (consumer) (axiom:sink_records:rate1m{outcome="read"})'},
    ),
    Panel(
        "What became of them",
        "reqps",
        {"{{outcome}}": 'sum by (outcome) (axiom:sink_records:rate1m{outcome!="read"})'},
        about="Superseded: the store has a newer version. Dead-lettered: `axiom dlq histogram`.",
        stacked=True,
    ),
    Panel("Lag", "short", {"{{consumer}}": "sum by (consumer) (axiom:lag_records:sum)"}),
    Panel(
        "From Kafka to the store",
        "s",
        {"{{consumer}} 50 %": "axiom:sink_latency_seconds:p50_5m",
         "{{consumer}} 95 %": "axiom:sink_latency_seconds:p95_5m"},
        about="Of each batch its oldest record; the objective is 0.5 s.",
    ),
    Panel(
        "Writing a batch (95 %)",
        "s",
        {
            "{{consumer}}": "histogram_quantile(0.95, "
            "sum by (consumer, le) (rate(axiom_sink_batch_seconds_bucket[5m])))"
        },
    ),
    Panel(
        "Dead letters in 15 minutes",
        "short",
        {"{{consumer}} {{topic}}": "axiom:dead_letters:increase15m"},
    ),
    Panel("Available", "percentunit", {"{{service}}": "axiom:available:ratio"}),
    Panel("Stores that serve", "none", {"{{consumer}}": "min by (consumer) (axiom_store_up)"}),
    Panel(
        "Pauses that are declared",
        "none",
        {"{{consumer}} {{reason}}": "max by (consumer, reason) (axiom_sink_paused)"},
    ),
)  # fmt: skip
DATABASES = (
    Panel(
        "Size",
        "bytes",
        {"{{consumer}}": "max by (consumer) (axiom_store_size_bytes)"},
        about="PostgreSQL on disk, Redis in memory; Neo4j and Chroma don't tell.",
    ),
    Panel(
        "PostgreSQL: rows",
        "short",
        {"{{kind}}": 'max by (kind) (axiom_store_entities{consumer="postgres-sink"})'},
        about="PostgreSQL's own estimate.",
    ),
    Panel("Redis: keys", "short", {"keys": 'max(axiom_store_entities{consumer="redis-sink"})'}),
    Panel(
        "Chroma: records, with versions that wait to be deleted",
        "short",
        {"{{kind}}": 'max by (kind) (axiom_store_entities{consumer="chroma-sink"})'},
    ),
)
QUALITY = (
    Panel(
        "Behind the market (95 % of symbols)",
        "s",
        {"{{tier}}": 'max by (tier) (axiom_freshness_behind_seconds{quantile="0.95"})'},
        about="Trading that prices don't show; nights and weekends don't count.",
    ),
    Panel(
        "Symbols by the state of their bars",
        "short",
        {"{{tier}} {{state}}": "max by (tier, state) (axiom_quality_symbols)"},
        about="As of the last run of data_quality: `axiom quality`.",
    ),
    Panel(
        "Bars that stand out", "short", {"{{tier}} {{kind}}": "max by (tier, kind) (axiom_quality_anomalies)"}
    ),
    Panel(
        "Answers of sources",
        "reqps",
        {"{{source}} {{kind}}": "sum by (source, kind) (rate(axiom_producer_outcomes_total[5m]))"},
    ),
    Panel(
        "Breakers of sources (2: open)",
        "none",
        {"{{source}}": "max by (source) (axiom_producer_breaker_state)"},
    ),
    Panel(
        "Articles",
        "reqps",
        {"{{outcome}}": "sum by (outcome) (rate(axiom_news_articles_total[5m]))"},
        stacked=True,
    ),
)
WORKERS = (
    Panel(
        "Processors used",
        "short",
        {"{{service}}": 'sum by (service) (rate(process_cpu_seconds_total{job="axiom"}[1m]))'},
        stacked=True,
    ),
    Panel(
        "Memory",
        "bytes",
        {"{{service}}": 'sum by (service) (process_resident_memory_bytes{job="axiom"})'},
        stacked=True,
    ),
    Panel("Runs of jobs under way", "short", {"{{owner}}": "sum by (owner) (axiom_jobs_running)"}),
    Panel(
        "Ticks that ended in an hour",
        "short",
        {"{{outcome}}": "sum by (outcome) (increase(axiom_scheduler_ticks_total[1h]))"},
        stacked=True,
    ),
    Panel("Schedulers that lead", "none", {"leaders": "sum(axiom_scheduler_leads)"}),
    Panel("How late the oldest tick is", "s", {"late": "max(axiom_scheduler_late_seconds)"}),
)
BOARD = Dashboard(
    "axiom-pipeline",
    "Axiom: pipeline",
    {
        "Throughput": THROUGHPUT,
        "Databases": DATABASES,
        "Data quality": QUALITY,
        "Workers": WORKERS,
    },
)
