#!/usr/bin/env python3
"""Drives the interactive page in headless Chromium and compares it with real models.

    check.py PAGE_SETTINGS FOLDER

PAGE_SETTINGS is the built program of tests/page_settings.rs. FOLDER keeps the pages and screenshots. Needs Debian's
chromium and chromium-driver; the driver speaks JSON over HTTP, so Python's own library is enough.
"""

import base64
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

BROWSERS = ["chromium", "google-chrome", "chromium-browser"]

# Clicks through every setting, each time the switches that differ, and tells what the page then shows.
DRIVE = r"""
const [from, to] = arguments;
const hash = (text) => new TextEncoder().encode(text).reduce((h, b) => Math.imul(h ^ b, 0x01000193) >>> 0, 0x811c9dc5);
const names = Object.keys(data.choices);
const seen = [];
for (let nth = from; nth < to; nth++) {
  let rest = nth;
  const digits = {};
  for (const name of [...names].reverse()) {
    digits[name] = rest % data.choices[name].length;
    rest = Math.floor(rest / data.choices[name].length);
  }
  for (const name of names) {
    const input = document.querySelectorAll(`input[name="${name}"]`)[digits[name]];
    if (!input.checked) input.click();
  }
  const setting = chosen(form);
  const stack = stackOf(setting, data.model);
  const narrow = !wide.matches;
  const drawn = document.createElement("div");
  drawn.innerHTML = drawStack(stack, narrow ? 3 : 5);
  seen.push({
    setting,
    rows: [...document.querySelectorAll("#shapes tbody tr")].map((row) => [...row.children].map((c) => c.textContent)),
    total: document.getElementById("total").textContent,
    shown: drawn.innerHTML === document.getElementById("picture").innerHTML,
    wide: hash(drawStack(stack, 5)),
    narrow: hash(drawStack(stack, 3)),
    rust: document.getElementById("rust").textContent,
    keras: document.getElementById("keras").textContent,
  });
}
return seen;
"""

COUNT = "return Object.values(data.choices).reduce((n, choices) => n * choices.length, 1);"

OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth;"

# Text of the picture that sticks out of it, at the setting that is shown.
OUTSIDE = """
const box = document.querySelector("#picture svg").getBoundingClientRect();
return [...document.querySelectorAll("#picture text")].filter((text) => {
  const t = text.getBoundingClientRect();
  return t.left < box.left - 1 || t.right > box.right + 1;
}).map((text) => text.textContent);
"""


class Driver:
    """A session of WebDriver (https://www.w3.org/TR/webdriver2/)."""

    def __init__(self):
        browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        driver = shutil.which("chromedriver")
        if not browser or not driver:
            sys.exit("check.py needs chromium and chromedriver: apt-get install chromium chromium-driver")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": browser, "args": flags}}
        for attempt in range(50):
            try:
                session = self.post("/session", {"capabilities": {"alwaysMatch": wanted}})
                break
            except urllib.error.URLError:
                if attempt == 49:
                    raise
                time.sleep(0.2)
        self.base += f"/session/{session['sessionId']}"

    def post(self, path, body):
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refused:
            sys.exit(f"{path}: {refused.read().decode()}")

    def script(self, code, *arguments):
        return self.post("/execute/sync", {"script": code, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path):
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(picture))

    def quit(self):
        request = urllib.request.Request(self.base, method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()
        self.process.terminate()
        self.process.wait()


def look(driver, width, scheme):
    driver.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=2, mobile=width < 500)
    driver.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def thousands(number):
    return f"{number:,}"


def compare(expected, seen):
    """What differs at one setting."""
    rows = [[name, takes, gives, thousands(params)] for name, takes, gives, params in expected["rows"]]
    for what, wanted, got in [
        ("setting", expected["setting"], seen["setting"]),
        ("rows", rows, seen["rows"]),
        ("total", thousands(expected["total"]), seen["total"]),
        ("the wide picture", expected["wide"], seen["wide"]),
        ("the narrow picture", expected["narrow"], seen["narrow"]),
        ("the picture that is shown", True, seen["shown"]),
    ]:
        if wanted != got:
            yield f"{what}: the page has {got}, burn-keras {wanted} at {expected['setting']}"
    # The programs say what the switches say.
    setting = seen["setting"]
    for program, yes in [("rust", "(true)"), ("keras", "=True")]:
        wanted = setting["return_sequences"] or setting["layers"] > 1
        if wanted != (f"return_sequences{yes}" in seen[program]) or setting["return_state"] != (f"return_state{yes}" in seen[program]):
            yield f"the program {program} does not fit {setting}: {seen[program]}"


def check_page(driver, folder, name):
    expected = json.loads((folder / f"{name}.json").read_text())
    look(driver, 1280, "light")
    driver.post("/url", {"url": f"file://{folder / name}.html"})
    count = driver.script(COUNT)
    assert count == len(expected), f"{count} settings on the page, {len(expected)} expected"
    begin = time.time()
    differences = []
    for at in range(0, count, 500):
        to = min(at + 500, count)
        for wanted, seen in zip(expected[at:to], driver.script(DRIVE, at, to), strict=True):
            differences += compare(wanted, seen)
    for difference in differences[:5]:
        print(difference)
    if differences:
        sys.exit(f"{name}: {len(differences)} differences")
    print(f"{name}: {count} settings agree with burn-keras ({time.time() - begin:.0f} s)")
    # A pointer reaches every switch, in the narrowest layout too, and nothing sticks out.
    for width, scheme in [(1280, "light"), (1280, "dark"), (380, "light"), (380, "dark")]:
        look(driver, width, scheme)
        driver.post("/url", {"url": f"file://{folder / name}.html"})
        for reference in driver.post("/elements", {"using": "css selector", "value": "#switches input"}):
            element = next(iter(reference.values()))
            driver.post(f"/element/{element}/click", {})
            state = driver.script("return arguments[0].checked", reference)
            assert state, f"a click at {width} points does not choose"
            outside = driver.script(OUTSIDE)
            assert not outside, f"at {width} points this sticks out of the picture: {outside}"
        overflow = driver.script(OVERFLOW)
        assert overflow <= 0, f"the page is {overflow} points wider than a window of {width}"
        driver.screenshot(folder / f"{name}_{width}_{scheme}.png")
    requests = driver.script("return performance.getEntriesByType('resource').length")
    assert requests == 0, f"the page made {requests} requests"


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    subprocess.run([program, str(folder)], check=True)
    driver = Driver()
    try:
        for page in sorted(folder.glob("*.html")):
            check_page(driver, folder, page.stem)
    finally:
        driver.quit()


main()
