/** @file Every plot as a file to look at: open the snapshots in a browser when one changes. */
import { expect, test } from "vitest";
import { countErrorTypes } from "../../runs/summary.ts";
import { html, type Markup } from "../html.ts";
import { accuracyBars, type AccuracyRow } from "./accuracy-bars.ts";
import { countBars } from "./count-bars.ts";
import { ticks } from "./drawing.ts";
import { errorTypeBars } from "./error-type-bars.ts";
import { flowDiagram } from "./flow-diagram.ts";
import { type HeatCell, heatMap } from "./heat-map.ts";
import { lineChart } from "./line-chart.ts";
import { lostWonBars } from "./lost-won-bars.ts";
import { radar, radarPoints } from "./radar.ts";

/** The plot as a file of its own; broken numbers are refused on the way. */
function svg(plot: Markup): string {
  if (/-0[" ,]|-0\.0+(?!\d)|NaN|Infinity|undefined/.test(plot.markup))
    throw new Error(`broken number: ${plot.markup}`);
  return `${plot.markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')}
`;
}

const accuracies: AccuracyRow[] = [
  { label: "Full precision", kind: "full", accuracy: 0.968, interval: [0.955, 0.977], startsGroup: true },
  { label: "3-bit GPTQ", kind: "quantized", accuracy: 0.78, interval: [0.753, 0.805], startsGroup: true },
  {
    label: "3-bit GPTQ + DPO",
    kind: "restored",
    accuracy: 0.895,
    interval: [0.874, 0.913],
    startsGroup: false,
  },
];

function cell(shade: number): HeatCell {
  return { shade, text: String(shade), title: `shade ${shade}` };
}

test("radarPoints puts four full axes on the compass points, and a quarter half way", () => {
  const axes = ["n", "e", "s", "w"].map((label) => ({ label, value: 1 }));
  expect(radarPoints(axes, 10)).toMatchInlineSnapshot(`"0,-10 10,0 0,10 -10,0"`);
  expect(radarPoints([{ label: "n", value: 0.25 }], 10)).toBe("0,-5");
});

test("ticks are round and inside", () => {
  expect([ticks(0, 0.97, 4), ticks(0, 100, 4), ticks(-1, 1, 4), ticks(3, 3, 4)]).toEqual([
    [0, 0.25, 0.5, 0.75],
    [0, 25, 50, 75, 100],
    [-1, -0.5, 0, 0.5, 1],
    [3],
  ]);
});

test("accuracy bars, wide and narrow", async () => {
  await expect(svg(accuracyBars(accuracies, { width: 980 }))).toMatchFileSnapshot(
    "__snapshots__/accuracy-bars-wide.svg",
  );
  await expect(svg(accuracyBars(accuracies, { width: 340 }))).toMatchFileSnapshot(
    "__snapshots__/accuracy-bars-narrow.svg",
  );
});

test("lost and won problems diverge from full precision", async () => {
  const rows = [
    { label: "4-bit RTN", lost: 67, won: 3, startsGroup: true },
    { label: "2-bit RTN", lost: 953, won: 0, startsGroup: true },
  ];
  await expect(svg(lostWonBars(rows, { width: 980 }))).toMatchFileSnapshot("__snapshots__/lost-won-bars.svg");
});

test("flows of problems", async () => {
  const flow = {
    rightRightRight: 700,
    rightRightWrong: 20,
    rightWrongRight: 150,
    rightWrongWrong: 90,
    wrongRightRight: 5,
    wrongRightWrong: 3,
    wrongWrongRight: 12,
    wrongWrongWrong: 20,
  };
  await expect(svg(flowDiagram(flow, { base: "3-bit GPTQ", restored: "+ DPO" }))).toMatchFileSnapshot(
    "__snapshots__/flow-diagram.svg",
  );
});

test("error types, stacked and as a radar", async () => {
  const counts = {
    ...countErrorTypes([]),
    "numerical-computation-error": 120,
    degenerate: 40,
    "procedural-error": 1,
  };
  const rows = [{ label: "3-bit <RTN>", counts, linkTo: (type: string) => `#${type}` }];
  await expect(svg(errorTypeBars(rows, { width: 980 }))).toMatchFileSnapshot(
    "__snapshots__/error-type-bars.svg",
  );
  const axes = Object.entries(counts).map(([label, value]) => ({ label, value: value / 161 }));
  await expect(svg(radar(axes, { className: "quantized", description: "shares" }))).toMatchFileSnapshot(
    "__snapshots__/radar.svg",
  );
});

test("heat map, line chart and count bars", async () => {
  const map = {
    rowLabels: ["q", "down"],
    columnLabels: ["0", "1"],
    cells: [
      [cell(0), cell(0.4)],
      [cell(1), null],
    ],
    description: "errors",
  };
  await expect(svg(heatMap(map, { width: 300 }))).toMatchFileSnapshot("__snapshots__/heat-map.svg");
  const points = [2, 1.2, 0.7, 0.5].map((y, x) => ({ x: x * 10, y }));
  const chart = {
    points,
    xTitle: "optimizer step",
    formatY: String,
    description: "loss",
    className: "quantized",
  };
  await expect(svg(lineChart(chart))).toMatchFileSnapshot("__snapshots__/line-chart.svg");
  const rows = [{ label: "arithmetic", count: 272, className: "type numerical-computation-error" }];
  await expect(svg(countBars(rows, { description: "by type" }))).toMatchFileSnapshot(
    "__snapshots__/count-bars.svg",
  );
  expect(html`${countBars([], { description: "none" })}`.markup).toContain("<svg");
});
