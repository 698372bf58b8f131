"""Kubernetes manifests, made from docker-compose.yml and services/*/service.toml."""
