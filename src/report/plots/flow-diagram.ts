import { type Flow } from "../flow.ts";
import { html, type Markup } from "../html.ts";
import { coordinate, count } from "../number-text.ts";
import { box, drawing, text } from "./drawing.ts";

export interface FlowLabels {
  readonly base: string;
  readonly restored: string;
}

const width = 380;
const height = 236;
const top = 44;
const nodeWidth = 9;
const nodeGap = 22;
const columns = [0, (width - nodeWidth) / 2, width - nodeWidth] as const;

interface Band {
  readonly from: readonly [x: number, y: number];
  readonly to: readonly [x: number, y: number];
  readonly thickness: number;
  readonly className: string;
  readonly title: string;
}

/** Where every problem went: solved or not by full precision, by the quantized and by the restored variant (a Sankey diagram). */
export function flowDiagram(flow: Flow, labels: FlowLabels): Markup {
  const stages = stageCounts(flow);
  const total = stages.fullRight + stages.fullWrong;
  const scale = (height - top - nodeGap - 6) / Math.max(1, total);
  const wrongTop = (right: number): number => top + right * scale + nodeGap;
  const nodes = [
    node({ column: 0, right: stages.fullRight, wrong: stages.fullWrong, scale, name: "Full precision" }),
    node({ column: 1, right: stages.baseRight, wrong: stages.baseWrong, scale, name: labels.base }),
    node({
      column: 2,
      right: stages.restoredRight,
      wrong: stages.restoredWrong,
      scale,
      name: labels.restored,
    }),
  ].flat();
  const first = between({
    columns: [columns[0], columns[1]],
    counts: [stages.kept, stages.lost, stages.won, stages.stayedWrong],
    wrongTops: [wrongTop(stages.fullRight), wrongTop(stages.baseRight)],
    titles: ["solved by both", "lost by quantization", "won by quantization", "solved by neither"],
    scale,
  });
  const second = between({
    columns: [columns[1], columns[2]],
    counts: [stages.held, stages.broken, stages.cameBack, stages.stillWrong],
    wrongTops: [wrongTop(stages.baseRight), wrongTop(stages.restoredRight)],
    titles: ["still solved", "newly failed", "came back", "still failed"],
    scale,
  });
  const description = `Of ${count(total)} problems full precision solves ${count(stages.fullRight)}; ${labels.base} loses ${count(stages.lost)} of them; in ${labels.restored} ${count(stages.cameBack)} of its failures come back and ${count(stages.broken)} problems newly fail.`;
  return drawing({ width, height, description }, [...[...first, ...second].map(bandPath), ...nodes]);
}

function stageCounts(flow: Flow): Readonly<Record<StageName, number>> {
  const kept = flow.rightRightRight + flow.rightRightWrong;
  const lost = flow.rightWrongRight + flow.rightWrongWrong;
  const won = flow.wrongRightRight + flow.wrongRightWrong;
  const stayedWrong = flow.wrongWrongRight + flow.wrongWrongWrong;
  const held = flow.rightRightRight + flow.wrongRightRight;
  const broken = flow.rightRightWrong + flow.wrongRightWrong;
  const cameBack = flow.rightWrongRight + flow.wrongWrongRight;
  const stillWrong = flow.rightWrongWrong + flow.wrongWrongWrong;
  return {
    kept,
    lost,
    won,
    stayedWrong,
    held,
    broken,
    cameBack,
    stillWrong,
    fullRight: kept + lost,
    fullWrong: won + stayedWrong,
    baseRight: kept + won,
    baseWrong: lost + stayedWrong,
    restoredRight: held + cameBack,
    restoredWrong: broken + stillWrong,
  };
}

type StageName =
  | "kept"
  | "lost"
  | "won"
  | "stayedWrong"
  | "held"
  | "broken"
  | "cameBack"
  | "stillWrong"
  | "fullRight"
  | "fullWrong"
  | "baseRight"
  | "baseWrong"
  | "restoredRight"
  | "restoredWrong";

interface Node {
  readonly column: 0 | 1 | 2;
  readonly right: number;
  readonly wrong: number;
  readonly scale: number;
  readonly name: string;
}

function node({ column, right, wrong, scale, name }: Node): Markup[] {
  const x = columns[column];
  const wrongTop = top + right * scale + nodeGap;
  const anchor = (["start", "middle", "end"] as const)[column];
  const textX = [x, x + nodeWidth / 2, x + nodeWidth][column]!;
  return [
    box([x, top, nodeWidth, right * scale], { className: "node right" }),
    box([x, wrongTop, nodeWidth, Math.max(1, wrong * scale)], { className: "node wrong" }),
    text([textX, 14], name, { className: "label strong", anchor }),
    text([textX, top - 8], `✓ ${count(right)} solved`, { className: "tick", anchor }),
    text([textX, wrongTop - 6], `✗ ${count(wrong)} failed`, { className: "tick halo", anchor }),
  ];
}

interface Between {
  readonly columns: readonly [number, number];
  /** right → right, right → wrong, wrong → right, wrong → wrong. */
  readonly counts: readonly [number, number, number, number];
  readonly wrongTops: readonly [number, number];
  readonly titles: readonly [string, string, string, string];
  readonly scale: number;
}

function between({ columns: [left, right], counts, wrongTops, titles, scale }: Between): Band[] {
  const [stay, fall, rise] = [counts[0] * scale, counts[1] * scale, counts[2] * scale];
  const from = left + nodeWidth;
  const make = (index: number, input: { y1: number; y2: number; className: string }): Band[] =>
    counts[index] === 0
      ? []
      : [
          {
            from: [from, input.y1],
            to: [right, input.y2],
            thickness: Math.max(1, counts[index]! * scale),
            className: `flow ${input.className}`,
            title: `${count(counts[index]!)} ${titles[index]!}`,
          },
        ];
  return [
    ...make(0, { y1: top, y2: top, className: "stay" }),
    ...make(1, { y1: top + stay, y2: wrongTops[1], className: "fall" }),
    ...make(2, { y1: wrongTops[0], y2: top + stay, className: "rise" }),
    ...make(3, { y1: wrongTops[0] + rise, y2: wrongTops[1] + fall, className: "remain" }),
  ];
}

function bandPath({ from: [x1, y1], to: [x2, y2], thickness, className, title }: Band): Markup {
  const c = coordinate;
  const middle = (x1 + x2) / 2;
  const upper = `M${c(x1)},${c(y1)}C${c(middle)},${c(y1)} ${c(middle)},${c(y2)} ${c(x2)},${c(y2)}`;
  const lower = `L${c(x2)},${c(y2 + thickness)}C${c(middle)},${c(y2 + thickness)} ${c(middle)},${c(y1 + thickness)} ${c(x1)},${c(y1 + thickness)}Z`;
  return html`<path d="${upper}${lower}" class="${className}"><title>${title}</title></path>`;
}
