"""`python -m services.neo4j_sink`"""

import sys

from axiom.runtime.service import run_sink
from axiom.settings import Neo4jSettings
from services.neo4j_sink.sink import make_sink

sys.exit(run_sink("neo4j-sink", Neo4jSettings, make_sink))
