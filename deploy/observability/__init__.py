"""Metrics, alerts, dashboards: configuration of Prometheus, Alertmanager, Grafana, for both ways to run."""
