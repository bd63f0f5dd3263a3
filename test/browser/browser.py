"""A headless Chromium over its DevTools protocol: what check.py needs of it, no more."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

import websocket  # Debian: python3-websocket


class Browser:
    """One tab.  Console messages, exceptions and requests that left the machine's files are collected."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="genre_hier-browser.")
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--disable-sync",
             "--remote-debugging-port=0", "--user-data-dir=" + self.profile, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.messages = []
        self.requests = []
        self.number = 0
        self.socket = websocket.create_connection(self._page_address(), timeout=120, suppress_origin=True)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def _page_address(self):
        """The tab's own socket, by way of the browser's, whose address Chromium writes into its profile."""
        port_file = os.path.join(self.profile, "DevToolsActivePort")
        for _ in range(600):
            if os.path.exists(port_file):
                with open(port_file) as file:
                    lines = file.read().split()
                if len(lines) == 2:
                    break
            if self.process.poll() is not None:
                raise RuntimeError("chromium ended at once, with exit code %d" % self.process.returncode)
            time.sleep(0.1)
        else:
            raise RuntimeError("chromium did not start within a minute")
        port, path = lines
        browser = websocket.create_connection("ws://127.0.0.1:%s%s" % (port, path), timeout=60, suppress_origin=True)
        browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        while True:
            answer = json.loads(browser.recv())
            if answer.get("id") == 1:
                break
        browser.close()
        page = next(t for t in answer["result"]["targetInfos"] if t["type"] == "page")
        return "ws://127.0.0.1:%s/devtools/page/%s" % (port, page["targetId"])

    def _note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.messages.append("console: " + json.dumps(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.messages.append("exception: " + json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.messages.append("log: " + params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def call(self, method, **params):
        self.number += 1
        number = self.number
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]["message"]))
                return answer["result"]
            self._note(answer)

    def open(self, address, width, dark):
        """Loads a page in a window of that width and waits until it is laid out."""
        self.messages, self.requests = [], []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=address)
        self.evaluate("new Promise(r => document.readyState === 'complete' ? r() : addEventListener('load', r))")
        self.evaluate("document.fonts.ready.then(() => new Promise(r => requestAnimationFrame(() => r())))")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def screenshot(self, path):
        """The whole page, or the first 16,000 pixels of it: Chromium draws no more at once."""
        width, height = self.evaluate("[innerWidth, Math.min(document.documentElement.scrollHeight, 16000)]")
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                          clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def close(self):
        try:
            self.call("Browser.close")
        except Exception:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
