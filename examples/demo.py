"""What `make demo` shows: the example mesh answers, command by command."""

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = (
    ("Where does this request go, and why?",
     "trace --demo deploy/web http://catalog/search -n shop -H 'x-shop-tester: true'"),
    ("And this one, from a pod without a sidecar?", "trace --demo warehouse/deploy/stock http://checkout.payments/"),
    ("What would a change do? (examples/shop/change)", "diff --demo --apply examples/shop/change"),
    ("Does traffic do what the team wrote down? (examples/shop/shop.meshtest.yaml)", "test examples/shop"),
    ("Is anything wrong?", "analyze --demo examples/guide/strict.yaml"),
    ("What does a proxy hold?", "proxy-config cluster deploy/web -n shop --demo --direction outbound"),
)  # fmt: skip


def main() -> int:
    """Run each step, show the command before its answer; 1 when one could not be answered."""
    failed = 0
    for question, words in STEPS:
        print(f"\n# {question}\n$ kubectl mesh {words}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", "kubectl_mesh", *shlex.split(words)], cwd=ROOT, check=False)
        failed += done.returncode > 1
    print("\nNext: replace --demo by -f and your own manifests, or leave it out to ask your live cluster.")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
