"""`python -m services.postgres_sink`"""

import sys

from axiom.runtime.service import run_sink
from axiom.settings import PostgresSettings
from services.postgres_sink.sink import make_sink

sys.exit(run_sink("postgres-sink", PostgresSettings, make_sink))
