#!/usr/bin/python3
"""check.py FILE...: opens pages and pictures in a headless Chromium and prints TAP.

Each file at 400 and 1,600 pixels, on light and on dark ground: no message in the console, nothing
loaded but the file, every figure with marks and words that can be seen, no label over another or
over the edge, words that stand out from the ground.
"""

import os
import sys

from browser import Browser

WIDTHS = (400, 1600)

# Returns a list of complaints.
LOOK = r"""
(() => {
	const wrong = [];
	const name = element => (element.textContent || element.tagName).trim().slice(0, 40);
	const light = color => {
		const part = color.match(/[\d.]+/g).slice(0, 3).map(Number).map(v => {
			v /= 255;
			return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
	};
	const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	/* of the element or the nearest one around it that has a ground of its own */
	const ground = element => {
		for (; element; element = element.parentElement) {
			const color = getComputedStyle(element).backgroundColor;
			if (color !== 'rgba(0, 0, 0, 0)')
				return color;
		}
		return 'rgb(255, 255, 255)';
	};
	const figures = [...document.querySelectorAll('svg.gh')];
	if (figures.length === 0)
		wrong.push('no figure');
	if (document.documentElement.scrollWidth > innerWidth)
		wrong.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
	for (const figure of figures) {
		const title = figure.querySelector('title').textContent;
		const complain = text => wrong.push(`"${title.slice(0, 60)}": ${text}`);
		const frame = figure.getBoundingClientRect();
		const back = figure.querySelector('.bg');
		const marks = [...figure.querySelectorAll('path, circle, rect, line')].filter(mark => mark !== back);
		const place = figure.parentElement ? figure.parentElement.clientWidth : innerWidth;
		if (Math.abs(frame.width - place) > 4)
			complain(`${frame.width} wide in a place of ${place}`);
		for (const id of figure.getAttribute('aria-labelledby').split(' '))
			if (!document.getElementById(id) || document.querySelectorAll(`[id="${id}"]`).length !== 1)
				complain(`the description ${id} is not there once`);
		const seen = marks.filter(mark => {
			const box = mark.getBBox(), style = getComputedStyle(mark);
			return box.width + box.height > 0 && style.visibility === 'visible' && style.display !== 'none' &&
				(style.fill !== 'none' || style.stroke !== 'none') &&
				!mark.matches('.grid, .axis, .rule');
		});
		if (seen.length === 0)
			complain('no mark can be seen');
		const labels = [...figure.querySelectorAll('text')].filter(label => label.textContent.trim() !== '').map(label => {
			const box = label.getBoundingClientRect();
			/* the box of a line is higher than its letters */
			return {label, left: box.left + 0.5, right: box.right - 0.5, top: box.top + 0.2 * box.height, bottom: box.bottom - 0.2 * box.height};
		});
		if (labels.length === 0)
			complain('no words');
		for (const [i, a] of labels.entries()) {
			if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1)
				complain(`"${name(a.label)}" is over the edge`);
			if (contrast(getComputedStyle(a.label).fill, getComputedStyle(back).fill) < 4.5)
				complain(`"${name(a.label)}" does not stand out`);
			for (const b of labels.slice(i + 1))
				if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
					complain(`"${name(a.label)}" and "${name(b.label)}" lie on each other`);
		}
	}
	for (const element of document.querySelectorAll('h1, h2, h3, p, th, td, caption, figcaption, code, nav a')) {
		const box = element.getBoundingClientRect();
		if (contrast(getComputedStyle(element).color, ground(element)) < 4.5)
			wrong.push(`"${name(element)}" does not stand out from the page`);
		if (box.width === 0 || box.height === 0)
			wrong.push(`"${name(element)}" cannot be seen`);
	}
	let level = 0;
	for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
		const next = Number(heading.tagName[1]);
		if (next > level + 1)
			wrong.push(`the heading "${name(heading)}" skips a level`);
		level = next;
	}
	return wrong;
})()
"""


def look(browser, path, width, dark):
    address = "file://" + os.path.abspath(path)
    browser.open(address, width, dark)
    wrong = ["console: " + message for message in browser.messages]
    wrong += ["loads " + request for request in browser.requests if request != address]
    return wrong + browser.evaluate(LOOK)


def main(paths):
    folder = os.environ.get("PICTURES")
    browser = Browser()
    number = failed = 0
    try:
        for path in paths:
            for width in WIDTHS:
                for dark in (False, True):
                    number += 1
                    ground = "dark" if dark else "light"
                    wrong = look(browser, path, width, dark)
                    failed += bool(wrong)
                    print("%sok %d - %s, %d pixels, %s" % ("not " if wrong else "", number, os.path.basename(path), width, ground))
                    for complaint in wrong[:20]:
                        print("# " + complaint)
                    if folder:
                        browser.screenshot("%s/%s-%d-%s.png" % (folder, os.path.basename(path), width, ground))
    finally:
        browser.close()
    print("1..%d" % number, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
