"""What docker-compose.yml runs besides the services: the secrets writer and the health check."""
