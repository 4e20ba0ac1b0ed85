"""plan_test.py over many more tables."""

import os

os.environ.setdefault("FIRN_TEST_TABLES", "120")
os.environ.setdefault("FIRN_TEST_SEED", "1000")

import plan_test  # noqa: E402,F401 (runs it)
