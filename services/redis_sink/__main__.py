"""`python -m services.redis_sink`"""

import sys

from axiom.runtime.service import run_sink
from axiom.settings import RedisSettings
from services.redis_sink.sink import make_sink

sys.exit(run_sink("redis-sink", RedisSettings, make_sink))
