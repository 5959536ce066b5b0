"""Fixtures that several kinds of tests share. What they start lives in directories of its own and ends with the session."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / 'lib'))
