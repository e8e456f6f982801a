"""Starts the child as a package of its own, without the product around it."""

import importlib
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
importlib.import_module("learner.work").main()
