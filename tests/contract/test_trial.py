"""Others run the contract as well."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_trial_runs_the_contract(tmp_path: Path) -> None:
    """`imapbox.testing` works with trial, over any factory."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "twisted.trial"),
            *(f"--temp-directory={tmp_path / 'trial'}", "tests.contract.trial_server"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "PASSED (successes=109)" in done.stdout
