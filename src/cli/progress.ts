/**
 * @file People's progress: one line a stage, with what is done, the rate and the time left.
 *
 * In a terminal the line is redrawn in place and never wider than the window (or 80 columns); in a pipe or file each stage writes a
 * line when it starts and ends, and one about every ten seconds between.
 */
import { count, fixed } from "../report/number-text.ts";
import { ProgressRate } from "./progress-rate.ts";
import { paint, printable, type Terminal } from "./terminal.ts";

/** How a stage is counted. */
interface StageOptions {
  /** How many units the stage has; without it there is a counter and no bar. */
  readonly total?: number;
  /** What is counted, in the plural, e.g. `problems`. */
  readonly unit?: string;
  /** Units an earlier sitting already finished; they count as done, not as speed. */
  readonly alreadyDone?: number;
}

/** One stage under way. */
export interface Stage {
  /** Sets how many units are done, and a short remark such as `loss 0.12`. */
  readonly update: (done: number, note?: string) => void;
  /** Ends the stage with its result in a few words; a stage ends once. */
  readonly finish: (result?: string) => void;
}

export interface Progress extends Disposable {
  /** Begins a stage; a stage still open ends first, without a result. */
  readonly stage: (name: string, options?: StageOptions) => Stage;
  /** Writes a line of its own above the progress line. */
  readonly tell: (line: string) => void;
}

export interface ProgressOptions {
  /** Writes nothing at all. */
  readonly silent?: boolean;
  /** Milliseconds on a clock that never goes back; tests pass their own. */
  readonly now?: () => number;
}

/** Opens progress on `terminal`; `dispose` leaves the cursor on an empty line. */
export function openProgress(terminal: Terminal, options: ProgressOptions = {}): Progress {
  const { silent = false, now = () => performance.now() } = options;
  if (silent) return { stage: () => ({ update() {}, finish() {} }), tell() {}, [Symbol.dispose]() {} };
  const screen = new ProgressScreen(terminal, now);
  return {
    stage: (name, stageOptions = {}) => screen.stage(oneLine(name), stageOptions),
    tell: (line) => screen.tell(line),
    [Symbol.dispose]: () => screen.close(),
  };
}

interface StageState extends StageOptions {
  readonly name: string;
  readonly startedMs: number;
  readonly rate: ProgressRate;
  done: number;
  note: string;
  finished: boolean;
}

const redrawEveryMs = 100;
const plainLineEveryMs = 10_000;

class ProgressScreen {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #current: StageState | null = null;
  #lineShown = false;
  #lastShownMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  stage(name: string, options: StageOptions): Stage {
    if (this.#current !== null) this.#finish(this.#current, "");
    const startedMs = this.#now();
    const done = options.alreadyDone ?? 0;
    const rate = new ProgressRate(startedMs, done);
    const state: StageState = { ...options, name, startedMs, rate, done, note: "", finished: false };
    this.#current = state;
    this.#lastShownMs = startedMs;
    if (this.#terminal.interactive) {
      this.#draw(state);
      // The clock and the time left move on even while a long unit is in hand.
      this.#timer = setInterval(() => this.#draw(state), 500);
      this.#timer.unref();
    } else this.#writeLine(fit(`${name}${startText(state)}`, lineWidth(this.#terminal)));
    return {
      update: (nowDone, note) => this.#update(state, nowDone, note ?? state.note),
      finish: (result = "") => this.#finish(state, result),
    };
  }

  tell(line: string): void {
    this.#erase();
    this.#writeLine(line);
    if (this.#current !== null && this.#terminal.interactive) this.#draw(this.#current);
  }

  close(): void {
    this.#stopTimer();
    this.#erase();
    this.#current = null;
  }

  #update(state: StageState, done: number, note: string): void {
    if (state.finished) return;
    const nowMs = this.#now();
    state.done = done;
    state.note = note;
    state.rate.add(nowMs, done);
    const { interactive } = this.#terminal;
    if (nowMs - this.#lastShownMs < (interactive ? redrawEveryMs : plainLineEveryMs)) return;
    if (interactive) this.#draw(state);
    else {
      this.#lastShownMs = nowMs;
      this.#writeLine(fit(`  ${progressParts(state, nowMs).join(", ")}`, lineWidth(this.#terminal)));
    }
  }

  #finish(state: StageState, resultText: string): void {
    if (state.finished) return;
    const result = oneLine(resultText);
    state.finished = true;
    this.#stopTimer();
    this.#erase();
    if (this.#current === state) this.#current = null;
    const seconds = (this.#now() - state.startedMs) / 1000;
    const width = lineWidth(this.#terminal);
    const took = clockText(seconds);
    const middle = result === "" ? "" : `  ${result}`;
    const left = fit(`${state.name}${middle}`, width - took.length - 2);
    this.#writeLine(
      this.#terminal.interactive
        ? `${left}${" ".repeat(width - took.length - left.length)}${paint(this.#terminal, "dim", took)}`
        : fit(`${state.name}: done in ${took}${result === "" ? "" : `, ${result}`}`, width),
    );
  }

  #draw(state: StageState): void {
    const nowMs = this.#now();
    this.#lastShownMs = nowMs;
    const line = progressLine(state, { nowMs, terminal: this.#terminal });
    this.#terminal.write(`\r${line}\u001B[K`);
    this.#lineShown = true;
  }

  #erase(): void {
    if (this.#lineShown) this.#terminal.write("\r\u001B[K");
    this.#lineShown = false;
  }

  #writeLine(line: string): void {
    this.#terminal.write(`${line}\n`);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** One column stays free: some terminals wrap when the last one is written. */
function lineWidth(terminal: Terminal): number {
  return Math.max(20, Math.min(80, terminal.columns()) - 1);
}

function startText({ total, unit = "", alreadyDone = 0 }: StageState): string {
  if (total === undefined) return " ...";
  const resumed = alreadyDone > 0 ? `, ${count(alreadyDone)} already done` : "";
  return `: ${count(total)} ${unit}`.trimEnd() + resumed;
}

function progressParts(state: StageState, nowMs: number): string[] {
  const { done, total, unit = "", note } = state;
  const perSecond = state.rate.perSecond(nowMs);
  const parts = [
    total === undefined ? `${count(done)} ${unit}`.trimEnd() : `${count(done)}/${count(total)}`,
    ...(perSecond === null ? [] : [`${rateText(perSecond)}/s`]),
  ];
  if (total !== undefined && perSecond !== null && done < total)
    parts.push(`${clockText((total - done) / perSecond)} left`);
  return note === "" ? parts : [...parts, oneLine(note)];
}

/** One line of at most the terminal's width: name, bar, numbers; what does not fit is left out from the right. */
function progressLine(state: StageState, context: { nowMs: number; terminal: Terminal }): string {
  const { terminal, nowMs } = context;
  const width = lineWidth(terminal);
  const parts = progressParts(state, nowMs);
  if (state.total === undefined) parts.push(clockText((nowMs - state.startedMs) / 1000));
  const name = fit(state.name, Math.max(10, Math.floor(width * 0.4)));
  let room = width - name.length;
  const bar =
    state.total === undefined ? "" : barText(state.done / Math.max(1, state.total), terminal.unicode);
  let line = name;
  if (bar !== "" && room >= bar.length + 2 + (parts[0]?.length ?? 0) + 2) {
    line += `  ${paint(terminal, "green", bar)}`;
    room -= bar.length + 2;
  }
  for (const part of parts) {
    if (part.length + 2 > room) break;
    line += `  ${part}`;
    room -= part.length + 2;
  }
  return line;
}

const barCells = 16;

function barText(fraction: number, unicode: boolean): string {
  const full = Math.max(0, Math.min(barCells, Math.floor(fraction * barCells)));
  return unicode
    ? "━".repeat(full) + "─".repeat(barCells - full)
    : `[${"#".repeat(full)}${"-".repeat(barCells - full)}]`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, " ");
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 2))}..`;
}

function rateText(perSecond: number): string {
  return perSecond >= 100 ? count(perSecond) : fixed(perSecond, perSecond >= 10 ? 0 : 1);
}

/** 0:07, 12:34, 1:02:03. */
function clockText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const tail = String(whole % 60).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${tail}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
}
