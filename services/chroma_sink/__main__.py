"""`python -m services.chroma_sink`"""

import sys

from axiom.runtime.service import run_sink
from axiom.settings import ChromaSettings
from services.chroma_sink.sink import make_sink

sys.exit(run_sink("chroma-sink", ChromaSettings, make_sink))
