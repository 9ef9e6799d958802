"""A page walked through by somebody who has a keyboard alone."""

from __future__ import annotations

from typing import Any

import msgspec
from playwright.sync_api import Page


class Stop(msgspec.Struct, frozen=True):
    """Where the focus is: what that is, whether one sees that it is there, and whether something hides it."""

    name: str
    marked: bool
    hidden: bool


_SELECTOR = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
_EXPECTED = """selector => {
  const groups = new Set(), names = [];
  for (const e of document.querySelectorAll(selector)) {
    const group = e.type === 'radio' ? `${e.name} of ${e.form?.action}` : null;
    if (e.disabled || !e.checkVisibility({visibilityProperty: true}) || groups.has(group)) continue;
    if (group) groups.add(group);
    e.dataset.stop = group ?? `${names.length} ${e.outerHTML.slice(0, 120)}`;
    if (group) document.getElementsByName(e.name).forEach(other => other.dataset.stop = group);
    names.push(e.dataset.stop);
  }
  return names;
}"""
"""Gives a name to whatever has to be reached, and these names in order. Radio buttons of a group are one."""
_HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  const seen = [.1, .5, .9].map(part =>
    document.elementFromPoint(left + (right - left) * part, (top + bottom) / 2));
  return {
    name: e.dataset.stop ?? e.outerHTML.slice(0, 120),
    marked: style.boxShadow !== 'none' ||
      (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
    hidden: !seen.some(at => at && (e.contains(at) || at.contains(e))),
  };
}"""


def expected(page: Page) -> list[str]:
    """What a keyboard has to reach on this page, in the order of the document."""
    names: list[str] = page.evaluate(_EXPECTED, _SELECTOR)
    return names


def walk(page: Page, most: int) -> list[Stop]:
    """Where the focus goes as Tab is pressed, until it leaves the page or comes round."""
    stops: list[Stop] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found: Any = page.evaluate(_HERE)
        if found is None or (stops and found["name"] == stops[0].name):
            break
        if not stops or found["name"] != stops[-1].name:  # a field for a date has several stops
            stops.append(msgspec.convert(found, Stop))
    return stops


def is_skipping_to(page: Page, target: str) -> bool:
    """Whether the first stop of the page leads past all that comes before this element."""
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = "target => document.querySelector(target).contains(document.activeElement)"
    none_left = (
        "target => !document.querySelector(target).querySelector('a[href], button, input, select, summary')"
    )
    return bool(page.evaluate(inside, target) or page.evaluate(none_left, target))
