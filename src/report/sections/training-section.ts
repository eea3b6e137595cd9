import type { TrainingStepRecord } from "../../runs/records.ts";
import { html, type Markup } from "../html.ts";
import { count, fixed, percent, smallNumber } from "../number-text.ts";
import { lineChart, type LinePoint } from "../plots/line-chart.ts";
import { smooth, thin } from "../smooth.ts";
import type { Section } from "./section.ts";

/** More curves than this of one training are left out, and the page says so. */
const mostMetrics = 5;

/** Loss and named metrics of every training, over optimizer steps. */
export function trainingSection(
  training: readonly TrainingStepRecord[],
  labels: ReadonlyMap<string, string>,
): Section | null {
  if (training.length === 0) return null;
  const cards = [...Map.groupBy(training, (record) => record.training)].map(([name, records]) =>
    trainingRow(labels.get(name) ?? name, records),
  );
  return {
    id: "training",
    short: "Training",
    title: "How ability came back",
    lead: html`Budgets are counted in optimizer steps. The pale line is the loss of each step, the strong one
    its running mean.`,
    body: html`${cards}`,
  };
}

function trainingRow(label: string, records: readonly TrainingStepRecord[]): Markup {
  const ordered = records.toSorted((left, right) => left.step - right.step);
  const tokens = ordered.reduce((sum, record) => sum + record.tokens, 0);
  const names = [...new Set(ordered.flatMap((record) => Object.keys(record.metrics)))];
  const leftOut = names.slice(mostMetrics);
  return html`<h3>
      ${label} <span class="muted">${count(ordered.length)} steps, ${count(tokens)} tokens</span>
    </h3>
    <div class="cards small">
      ${lossCard(label, ordered)}${names.slice(0, mostMetrics).map((name) => metricCard({ label, name, records: ordered }))}
    </div>
    ${leftOut.length === 0 ? null : html`<p class="note">Not drawn: ${leftOut.join(", ")}.</p>`}`;
}

function lossCard(label: string, records: readonly TrainingStepRecord[]): Markup {
  const points = records.map(({ step, loss }) => ({ x: step, y: loss }));
  const chart = lineChart({
    points: thin(smooth(points, Math.max(1, Math.round(points.length / 25))), 240),
    background: thin(points, 240),
    xTitle: "optimizer step",
    formatY: smallNumber,
    description: `${label}: training loss from ${smallNumber(points[0]!.y)} to ${smallNumber(points.at(-1)!.y)}.`,
    className: "quantized",
  });
  return html`<figure class="panel card">
    <figcaption class="card-title">Loss</figcaption>
    ${chart}
  </figure>`;
}

function metricCard(input: { label: string; name: string; records: readonly TrainingStepRecord[] }): Markup {
  const { label, name, records } = input;
  const points: LinePoint[] = records.flatMap(({ step, metrics }) =>
    metrics[name] === undefined ? [] : [{ x: step, y: metrics[name] }],
  );
  const isShare = /accuracy|share|rate$/i.test(name) && points.every(({ y }) => y >= 0 && y <= 1);
  const formatY = (value: number): string =>
    isShare ? percent(value, 0) : smallNumber(Number(fixed(value, 6)));
  const words = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const chart = lineChart({
    points: thin(points, 240),
    xTitle: "optimizer step",
    formatY,
    description: `${label}: ${words} from ${formatY(points[0]!.y)} to ${formatY(points.at(-1)!.y)}.`,
    className: "restored",
  });
  return html`<figure class="panel card">
    <figcaption class="card-title">${words}${isShare ? ", %" : ""}</figcaption>
    ${chart}
  </figure>`;
}
