import { Script } from "node:vm";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { embeddedJson, escapeHtml, html } from "./html.ts";
import { pageScript } from "./page-script.ts";

test("text is escaped, markup is not, nothing vanishes silently but null and false", () => {
  const inner = html`<b>${"<i>&'\""}</b>`;
  expect(html`<p title="${'a"b'}">${[inner, 0, null, false]}</p>`.markup).toBe(
    '<p title="a&quot;b"><b>&lt;i&gt;&amp;&#39;&quot;</b>0</p>',
  );
});

const nasty = fc.constantFrom("<", ">", "&", "'", '"', "\u0000", "\u001B", "\u0085", "\uD800", "a", "\n");

test("property: escaped text holds no markup character and no control character", () => {
  fc.assert(
    fc.property(fc.string({ unit: nasty }), (text) => {
      const escaped = escapeHtml(text);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(escaped).not.toMatch(/[^\P{Cc}\t\n\r]/u);
    }),
  );
});

test("embedded JSON cannot end its script element and means the same", () => {
  const value = { text: "</script><!--<script>\u2028" };
  const { markup } = embeddedJson(value);
  expect(markup).not.toContain("<");
  expect(JSON.parse(markup)).toEqual(value);
});

test("the page's script is a program, and cannot end its own element", () => {
  expect(() => new Script(pageScript)).not.toThrow();
  expect(pageScript).not.toContain("</");
  expect(pageScript).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write/);
});
