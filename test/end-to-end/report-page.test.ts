/** @file The report in a real browser: opened from a file, in both colour schemes, wide and narrow, used by mouse and keyboard. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRun } from "../../src/report/run-records.ts";
import { renderReport } from "../../src/report/render-report.ts";
import { fixtureRun } from "../fixture-run.ts";
import { writeFixtureRun } from "../write-fixture-run.ts";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(executablePath);
if (!hasBrowser)
  process.stderr.write(
    `report-page.test.ts: skipped, no browser at ${executablePath} (install chromium, or set CHROMIUM_PATH).\n`,
  );

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const sectionIds = [
  "accuracy",
  "flows",
  "errors",
  "abilities",
  "layers",
  "training",
  "medicine",
  "failures",
  "notes",
];

describe.skipIf(!hasBrowser)("the report in a browser", () => {
  let directory: string;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "bitmend-page-"));
    writeFixtureRun(directory, fixtureRun({ problems: 400 }));
    const path = join(directory, "report.html");
    writeFileSync(path, renderReport(readRun(directory)));
    address = pathToFileURL(path).href;
    browser = await chromium.launch({ executablePath, args: flags });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Opens the page and collects everything that went wrong in it. */
  async function open(options: { width: number; colorScheme?: "light" | "dark" }) {
    const { width, colorScheme = "light" } = options;
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const troubles: string[] = [];
    page.on("console", (message) => troubles.push(`console ${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
    page.on("requestfailed", (request) => troubles.push(`failed: ${request.url()}`));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) troubles.push(`fetched: ${request.url()}`);
    });
    await page.goto(address);
    return { page, troubles };
  }

  test.each([
    { width: 1280, colorScheme: "light" },
    { width: 1280, colorScheme: "dark" },
    { width: 400, colorScheme: "light" },
    { width: 400, colorScheme: "dark" },
  ] as const)("is whole and quiet at $width px, $colorScheme", async (options) => {
    const { page, troubles } = await open(options);
    const sections = await page.evaluate(
      `[...document.querySelectorAll("main section")].filter((one) => one.checkVisibility()).map((one) => one.id)`,
    );
    expect(sections).toEqual(sectionIds);
    expect(await page.locator("svg.plot:visible").count()).toBeGreaterThan(20);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(await page.evaluate(lowContrast)).toEqual([]);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("every plot has a label, and every control a name", async () => {
    const { page } = await open({ width: 1280 });
    expect(await page.locator("svg.plot:not([aria-label])").count()).toBe(0);
    expect(await page.locator("select:not(label select), input:not(label input)").count()).toBe(0);
    expect(await page.locator("h1").count()).toBe(1);
    await page.close();
  });

  test("filters narrow the list, the first wrong step is marked, and the reset shows all again", async () => {
    const { page, troubles } = await open({ width: 1280 });
    const all = await foundCount(page);
    await page.selectOption("[data-filter=variant]", "w3-g64-gptq");
    const ofVariant = await foundCount(page);
    await page.selectOption("[data-filter=type]", "numerical-computation-error");
    const ofType = await foundCount(page);
    expect([ofType > 0, ofType < ofVariant, ofVariant < all]).toEqual([true, true, true]);
    expect(await page.locator("[data-detail] li.wrong").count()).toBe(1);
    expect(await page.textContent("[data-detail] li.wrong .why")).toMatch(
      /^First wrong step\. .* is \d+, not -?\d+\.$/,
    );
    expect(await page.textContent("[data-detail]")).toContain("Full precision");
    await page.fill("[data-filter=text]", "no solution says this");
    expect(await foundCount(page)).toBe(0);
    await page.click("button[type=reset]");
    await page.waitForFunction(
      `document.querySelector("[data-found]").textContent.startsWith("${all.toLocaleString("en-US")} ")`,
    );
    expect(troubles).toEqual([]);
    await page.close();
  });

  test("the keyboard moves through the list, and a segment of the bars leads to its solutions", async () => {
    const { page, troubles } = await open({ width: 1280 });
    await page.focus("[data-list] button");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(
      await page.evaluate(
        `[...document.querySelectorAll("[data-list] button")].indexOf(document.activeElement)`,
      ),
    ).toBe(2);
    await page.click(`.wide-only a[href="#failures?variant=w2-g64-rtn&type=degenerate"]`);
    // The address changes first, and the list follows it.
    await page.waitForFunction(`document.querySelector("[data-filter=variant]").value === "w2-g64-rtn"`);
    expect(await page.textContent("[data-detail] .remark")).toContain("stands 9 times");
    expect(troubles).toEqual([]);
    await page.close();
  });
});

async function foundCount(page: Page): Promise<number> {
  const text = (await page.textContent("[data-found]")) ?? "";
  return Number(text.split(" ")[0]?.replaceAll(",", ""));
}

/** Runs in the page: texts whose contrast with the nearest opaque background is below 4.5 (WCAG 2.2, 1.4.3), or 3 where they are large. */
const lowContrast = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const luminance = ([r, g, b]) => { const f = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const found = new Set();
  for (const element of document.querySelectorAll("main *, header *")) {
    if (element.closest("svg") || element.disabled || !element.checkVisibility()) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")) continue;
    let behind = element;
    while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
    const style = getComputedStyle(element);
    const [high, low] = [luminance(rgb(style.color)), luminance(behind ? rgb(getComputedStyle(behind).backgroundColor) : [255, 255, 255])].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) found.add(element.tagName + "." + element.className + " " + contrast.toFixed(2));
  }
  return [...found];
})()`;
