"""Measures what a long history costs: start, predictions, lists and memory after few and after many batches."""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from urllib.parse import quote

LINES_PER_BATCH = 10
# Models below this number are old.
BEFORE = 50
PREDICTION = {"entity": "product", "id": "85123A", "quantity": 3, "unit_price": 2.5, "model": "latest"}


def make(tillstream: str, folder: str, batches: int) -> float:
    """Stores and trains so many batches; gives the seconds that it took."""
    begun = time.monotonic()
    lines = f"generate:{LINES_PER_BATCH * batches}"
    command = [tillstream, "up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--input", lines]
    command += ["--batch-size", str(LINES_PER_BATCH), "--data-dir", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def start_again(tillstream: str, folder: str, batches: int) -> float:
    """Seconds until `up` has everything ready on a folder where nothing is left to do."""
    lines = f"generate:{LINES_PER_BATCH * batches}"
    command = [tillstream, "up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--input", lines]
    command += ["--batch-size", str(LINES_PER_BATCH), "--data-dir", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])["seconds"]["setup"]


def ask(url: str, body: dict | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def milliseconds(times: int, url: str, body: dict | None = None) -> tuple[float, float]:
    """The first answer, and the median of those after it."""
    measured = []
    for _ in range(times):
        begun = time.perf_counter()
        ask(url, body)
        measured.append(1000 * (time.perf_counter() - begun))
    return measured[0], statistics.median(measured[1:])


def resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def serve(tillstream: str, folder: str) -> dict[str, str]:
    """What `serve` costs on the folder."""
    begun = time.monotonic()
    command = [tillstream, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        page = next(line for line in process.stdout if line.startswith("Page:"))
        address = page.split()[1].rstrip("/")
        while True:
            try:
                ask(f"{address}/readyz")
                break
            except urllib.error.HTTPError:
                time.sleep(0.01)
        start = time.monotonic() - begun
        api = f"{address}/api/v1"
        _, predict = milliseconds(300, f"{api}/predict", PREDICTION)
        oldest = ask(f"{api}/models?kind=line&entity=product&before={BEFORE}")["models"][0]["number"]
        _, older = milliseconds(300, f"{api}/predict", PREDICTION | {"model": oldest})
        models_first, models = milliseconds(30, f"{api}/models")
        batches_first, batches = milliseconds(30, f"{api}/batches")
        known = ask(f"{api}/models/country/latest/profiles")["ids"][0]
        profile_first, profile = milliseconds(30, f"{api}/profiles/country/{quote(known)}")
        # Some looks at the folder, which happen once a second or less often.
        time.sleep(3)
        return {
            "`serve` answers after, s": f"{start:.2f}",
            "prediction of `latest`, ms": f"{predict:.2f}",
            "prediction of an old model, ms": f"{older:.2f}",
            "`GET /models`, ms (first)": f"{models:.1f} ({models_first:.1f})",
            "`GET /batches`, ms (first)": f"{batches:.1f} ({batches_first:.1f})",
            "`GET /profiles/country/…`, ms (first)": f"{profile:.1f} ({profile_first:.1f})",
            "resident memory of `serve`, MiB": f"{resident_mib(process.pid):.0f}",
        }
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tillstream", required=True, help="the program")
    parser.add_argument("--smoke", action="store_true", help="few batches and somewhat more")
    parser.add_argument("--folder", help="keep the data here, and use what is there from the last time")
    parser.add_argument("--output", help="write the table to this file as well")
    options = parser.parse_args()
    columns: dict[int, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for batches in [10, 30] if options.smoke else [100, 100_000]:
            folder = os.path.join(options.folder or temporary, str(batches))
            made = make(options.tillstream, folder, batches)
            columns[batches] = {
                "made, or looked at, in, s": f"{made:.1f}",
                "`up` starts in, s": f"{start_again(options.tillstream, folder, batches):.2f}",
            } | serve(options.tillstream, folder)
    rows = ["| | " + " | ".join(f"{batches:,} batches" for batches in columns) + " |"]
    rows.append("| --- | " + " | ".join("---:" for _ in columns) + " |")
    for name in next(iter(columns.values())):
        rows.append(f"| {name} | " + " | ".join(column[name] for column in columns.values()) + " |")
    text = "\n".join(rows)
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
