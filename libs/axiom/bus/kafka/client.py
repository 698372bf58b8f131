"""What every librdkafka client here is made with."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("librdkafka")
"""librdkafka's own lines go the way of all logs; without it they are raw text on standard error."""

CLIENT_CONFIG: dict[str, str | int | float | bool] = {
    "log.connection.close": False,
    "reconnect.backoff.ms": 250,
    "reconnect.backoff.max.ms": 2_000,  # an outage ends for us at most two seconds after it ends for Kafka
}
