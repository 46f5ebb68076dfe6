"""Benchmark the page of an explanation in Chromium: bytes, seconds until it is ready, frames while the pointer moves.

`python scripts/benchmark_page.py` needs Playwright and a Chromium of the system. The explanation is one of 12 layers of
12 heads on 512 tokens, with weights as peaked as those of trained models.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import explanations

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1280, "height": 900}
FRAMES = """() => {
  window.frames_seen = [];
  const note = (time) => { window.frames_seen.push(time); requestAnimationFrame(note); };
  requestAnimationFrame(note);
}"""
READY = """() => new Promise((resolve) => {
  const end = () => requestAnimationFrame(() => resolve(performance.now()));
  const look = () => (document.documentElement.dataset.ready ? end() : setTimeout(look, 1));
  look();
})"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    explanation = explanations.large(options.layers, options.heads, options.tokens)
    start = time.perf_counter()
    page = explanation.to_html()
    print(f"written in {time.perf_counter() - start:.2f} s: {len(page.encode()) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        measure(path, options.runs)


def measure(path, runs):
    """Print the figures of a page."""
    executable = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport=SIZE)
        ready = [open_page(tab, path) for _ in range(runs)]
        print(f"ready, its first view drawn: median {np.median(ready):.0f} ms, all {[round(time) for time in ready]}")
        for name, address in {"lines": "view=attention", "matrix": "view=attention&mode=matrix"}.items():
            open_page(tab, path, address)
            intervals = frames(tab)
            rate = 1000 / intervals.mean()
            print(f"{name}, pointer moving: {rate:.1f} frames/s, slowest 5 % {np.quantile(intervals, 0.95):.1f} ms")
        browser.close()


def open_page(tab, path, address=""):
    """Open the page; returns the milliseconds from navigation until the frame after the first view."""
    tab.goto("about:blank")
    tab.goto(f"{path.as_uri()}#{address}", wait_until="commit")
    return tab.evaluate(READY)


def frames(tab, moves=240):
    """The intervals in milliseconds between frames while the pointer moves over the view."""
    area = tab.locator(".lines, .heat-map .scroll").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    tab.evaluate(FRAMES)
    for i in range(moves):
        x = box["x"] + (60 if i % 80 < 40 else box["width"] - 60)
        tab.mouse.move(x, box["y"] + 10 + (i * 7) % (min(box["height"], 500) - 20))
    return np.diff(tab.evaluate("window.frames_seen"))


if __name__ == "__main__":
    main()
