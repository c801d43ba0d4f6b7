#!/usr/bin/env python3
"""Opens pages in headless Chromium and fails where one does not work.

    scripts/check_pages.py [--shots DIR] [--shot-height N] PAGE.html…

Every page is opened at 1280 and 390 pixels, light and dark, and once with scripts off. It fails on a
message in the console, on a request to anywhere, on a document that is wider than the window, on text
that leaves its box, on a table without its buttons or a chart that was not drawn, and where sorting
a table by a column does not sort it. --shots keeps a picture of each (PAGE-WIDTH-light|dark.png).
Only the standard library; Chromium is spoken to over its pipe. Exit code 77: there is no Chromium
(CHROMIUM names one)."""
import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
SECONDS = 30  # that an answer may take

# What is wrong with the document, as a list of texts.
PROBE = r"""(() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) {
    const wide = [...document.querySelectorAll('body *')].filter(
        (e) => e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest('.scroll'));
    wrong.push(`the document is ${root.scrollWidth} pixels wide: ` +
        wide.slice(0, 3).map((e) => e.tagName + '.' + e.className).join(', '));
  }
  for (const box of document.querySelectorAll('h1, h2, p, li, summary, .tile span, td.text')) {
    if (box.closest('details:not([open])')) continue;
    if (box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0)
      wrong.push(`cut off: ${box.tagName} ${box.textContent.slice(0, 40)}`);
  }
  for (const scroll of document.querySelectorAll('.scroll')) {
    if (!scroll.checkVisibility() || scroll.clientWidth === 0) continue;
    const first = scroll.querySelector('tbody td');
    scroll.scrollLeft = scroll.scrollWidth;
    const left = first.getBoundingClientRect().left - scroll.getBoundingClientRect().left;
    if (left < -1 || left > 3) wrong.push(`the first column does not stay: ${left}`);
    scroll.scrollLeft = 0;
    const cue = scroll.parentElement.querySelector('.cue');
    const overflows = scroll.scrollWidth > scroll.clientWidth + 2;
    if (SCRIPTS && overflows && !cue.checkVisibility()) wrong.push('a table scrolls without a cue');
  }
  return wrong;
})()"""

# Of scripts: sorting, filtering, charts.
WORKS = r"""(() => {
  const wrong = [];
  for (const holder of document.querySelectorAll('.table')) {
    const table = holder.querySelector('table');
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const rows = () => [...table.tBodies[0].rows].filter((r) => !r.classList.contains('ref'));
    if (heads.some((h) => h.querySelector('button') === null)) { wrong.push('no button to sort'); continue; }
    const column = heads.findIndex((h) => h.classList.contains('number'));
    if (column < 0 || rows().length < 2) continue;
    const values = () => rows().map((r) => r.cells[column].dataset.sort ?? r.cells[column].textContent)
        .filter((text) => text.trim() !== '').map(Number).filter((v) => !Number.isNaN(v));
    for (const sign of [1, -1]) {
      heads[column].querySelector('button').click();
      const now = values();
      if (now.some((v, i) => i > 0 && sign * (v - now[i - 1]) < 0)) wrong.push('a table is not sorted');
    }
    const field = holder.querySelector('input');
    if (field) {
      const word = rows()[0].cells[0].firstChild.textContent.trim();
      const set = (value) => { field.value = value; field.dispatchEvent(new Event('input')); };
      set('\u0001');
      if (rows().some((r) => !r.hidden)) wrong.push('a filter hides nothing');
      set(word);
      if (rows()[0].hidden) wrong.push('a filter hides what it should show');
      set('');
    }
  }
  for (const figure of document.querySelectorAll('figure[data-chart]')) {
    const canvas = figure.querySelector('canvas');
    if (!canvas || !Chart.getChart(canvas)) { wrong.push('a chart is not drawn'); continue; }
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    if (!pixels.some((value) => value !== 0)) wrong.push('a chart is empty');
  }
  window.scrollTo(0, 0);
  return wrong;
})()"""


class Chromium:
    """One browser with one page, over --remote-debugging-pipe (messages end with a zero byte)."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()

        def wire():  # the browser reads from 3 and writes to 4
            ends = os.dup(to_read), os.dup(to_write)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={self.profile.name}"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.rest, self.session = 0, b"", None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.rest:
            if not select.select([self.from_browser], [], [], SECONDS)[0]:
                raise TimeoutError("Chromium does not answer")
            chunk = os.read(self.from_browser, 1 << 20)
            if not chunk:
                raise ConnectionError("Chromium ended")
            self.rest += chunk
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, page, width, height, scheme, scripts):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.call("Page.navigate", url=pathlib.Path(page).resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            return [result["exceptionDetails"]["exception"].get("description", "an exception")]
        return result["result"].get("value")

    def complaints(self, page):
        """What the console said, and what was asked of anybody, since the page was opened."""
        own = pathlib.Path(page).resolve().as_uri()
        texts = []
        for event in self.events:
            details = event.get("params", {})
            if event.get("method") == "Runtime.consoleAPICalled":
                texts.append("console: " + str([a.get("value") for a in details["args"]]))
            elif event.get("method") == "Runtime.exceptionThrown":
                texts.append("exception: " + details["exceptionDetails"].get("text", ""))
            elif event.get("method") == "Log.entryAdded":
                texts.append("log: " + details["entry"]["text"])
            elif event.get("method") == "Network.requestWillBeSent":
                url = details["request"]["url"]
                if url != own and not url.startswith("data:"):
                    texts.append("request: " + url)
        return texts

    def picture(self, file):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(file).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.profile.cleanup()


def check(browser, page, shots, shot_height):
    wrong = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            browser.open(page, width, shot_height, scheme, scripts=True)
            where = f"{page} at {width} pixels, {scheme}: "
            found = browser.evaluate(PROBE.replace("SCRIPTS", "true"))
            if shots:
                browser.picture(shots / f"{pathlib.Path(page).stem}-{width}-{scheme}.png")
            found += browser.evaluate(WORKS)
            wrong += [where + text for text in found + browser.complaints(page)]
        browser.open(page, width, shot_height, "light", scripts=False)
        where = f"{page} at {width} pixels, without scripts: "
        found = browser.evaluate(PROBE.replace("SCRIPTS", "false"))
        if shots:
            browser.picture(shots / f"{pathlib.Path(page).stem}-{width}-static.png")
        drawn = browser.evaluate(
            "[...document.querySelectorAll('figure')].every((f) => f.querySelector('svg'))")
        if drawn is not True:
            found.append("a figure has no drawing")
        wrong += [where + text for text in found + browser.complaints(page)]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", metavar="PAGE.html")
    parser.add_argument("--shots", type=pathlib.Path, help="folder for pictures")
    parser.add_argument("--shot-height", type=int, default=1600)
    options = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        print("check_pages: skipped: no Chromium (Debian: chromium)")
        return 77
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    browser = Chromium(program)
    wrong = []
    try:
        for page in options.pages:
            if not pathlib.Path(page).is_file():
                sys.exit(f"error: {page}: no such file")
            wrong += check(browser, page, options.shots, options.shot_height)
    finally:
        browser.close()
    for text in wrong:
        print(text, file=sys.stderr)
    print(f"check_pages: {len(options.pages)} pages, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
