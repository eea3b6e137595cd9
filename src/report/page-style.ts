/** @file The page's style: a calm sheet of paper by day, the same at night, and one that prints. */

const colors = `
:root {
  color-scheme: light dark;
  --paper: #faf8f4; --panel: #fffefb; --ink: #1d242b; --muted: #5f6872; --rule: #e5dfd4; --grid: #ece7dd;
  --full: #45586d; --quantized: #c9621a; --restored: #0d7d78; --quantized-soft: #fbe9da; --restored-soft: #dcefec;
  --heat: #e5823f; --quantized-ink: #9a4409; --accent: #2d5f8b;
  --concept: #33648f; --context: #8fb4d4; --procedure: #9a5f0b; --formula: #e2ac52; --arithmetic: #14705a; --symbols: #83c6ad; --logic: #8d3b76; --degenerate: #9b9b98;
  --on-dark: #fff; --on-light: #1d242b;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14181b; --panel: #1b2024; --ink: #e9e6df; --muted: #9aa5ae; --rule: #2e363c; --grid: #262d33;
  --full: #93a9bf; --quantized: #ec8f4a; --restored: #41b9b0; --quantized-soft: #3a2618; --restored-soft: #14322f;
  --heat: #a34d18; --quantized-ink: #f3a266; --accent: #86b6df;
  --concept: #5f93c2; --context: #a9cbe6; --procedure: #c5873a; --formula: #efc67f; --arithmetic: #2f9c80; --symbols: #a0dcc6; --logic: #c178ab; --degenerate: #8b8f90;
  --on-dark: #10161a; --on-light: #10161a;
} }
@media print { :root {
  color-scheme: light; --paper: #fff; --panel: #fff; --ink: #000; --muted: #444; --rule: #ccc; --grid: #ddd;
} }
`;

const layout = `
*, *::before, *::after { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 4rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--sans); }
.page { max-width: 1080px; margin: 0 auto; padding: 0 28px 96px; }
header.top { padding: 56px 0 8px; }
.brand { font: 600 13px/1.5 var(--sans); letter-spacing: .05em; color: var(--muted); margin: 0 0 28px; }
.brand b { color: var(--ink); }
h1 { font: 500 clamp(28px, 4.6vw, 46px)/1.16 var(--serif); letter-spacing: -.012em; margin: 0 0 20px; max-width: 24em; text-wrap: balance; }
h2 { font: 500 clamp(23px, 3vw, 30px)/1.2 var(--serif); letter-spacing: -.008em; margin: 0 0 8px; }
h3 { font: 600 16px/1.3 var(--sans); margin: 32px 0 10px; }
section { padding-top: 72px; }
.story { max-width: 46em; font-size: 17px; }
.story p { margin: 0 0 10px; }
.lead { max-width: 46em; color: var(--muted); margin: 0 0 20px; }
.note { color: var(--muted); font-size: 14px; margin: 8px 0; max-width: 54em; }
.muted { color: var(--muted); font-weight: 400; }
.panel { background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; padding: 20px; margin: 0 0 16px; min-width: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 0; margin: 32px 0 0; padding: 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
.facts div { padding: 18px 20px 16px 0; }
.facts dt { font-size: 13px; color: var(--muted); }
.facts dd { margin: 2px 0 0; font: 500 34px/1.15 var(--serif); font-variant-numeric: lining-nums tabular-nums; }
.facts dd small { display: block; font: 400 13px/1.4 var(--sans); color: var(--muted); margin-top: 4px; }
.facts .quantized dd { color: var(--quantized); } .facts .restored dd { color: var(--restored); } .facts dd small { color: var(--muted); }
nav { position: sticky; top: 0; z-index: 5; background: color-mix(in srgb, var(--paper) 92%, transparent); backdrop-filter: blur(8px); border-bottom: 1px solid var(--rule); margin: 28px -28px 0; padding: 0 28px; }
nav ul { display: flex; gap: 22px; list-style: none; margin: 0; padding: 0; overflow-x: auto; scrollbar-width: none; }
nav a { display: block; padding: 13px 0; color: var(--muted); text-decoration: none; white-space: nowrap; font-size: 14px; }
nav a:hover, nav a:focus-visible { color: var(--ink); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
figure { margin: 0; }
figcaption { font-size: 14px; color: var(--muted); margin-top: 10px; }
.card-title { margin: 0 0 8px; color: var(--ink); font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 20px; margin-top: 14px; }
.key { display: inline-block; width: 14px; height: 14px; border-radius: 3px; margin-right: 7px; vertical-align: -2px; background: var(--key, currentColor); }
.key.full { --key: var(--full); } .key.quantized { --key: var(--quantized); }
.key.restored { background: repeating-linear-gradient(135deg, var(--restored) 0 3px, color-mix(in srgb, var(--restored) 55%, var(--panel)) 3px 5px); }
.key.whisker-key { background: linear-gradient(var(--ink), var(--ink)) center / 100% 2px no-repeat; }
.cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
.cards.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 306px), 1fr)); }
.cards .panel { margin: 0; }
.ink-restored { color: var(--restored); }
.narrow-only { display: none; }
.scroll { overflow-x: auto; }
.notes { max-width: 60em; }
.notes dl div { display: grid; grid-template-columns: 15em 1fr; gap: 4px 20px; padding: 7px 0; border-top: 1px solid var(--rule); }
.notes dt { font-weight: 600; } .notes dd { margin: 0; }
footer { margin-top: 72px; padding-top: 20px; border-top: 1px solid var(--rule); color: var(--muted); font-size: 14px; }
@media (max-width: 720px) {
  .page { padding: 0 16px 64px; } nav { margin: 24px -16px 0; padding: 0 16px; } header.top { padding-top: 32px; }
  section { padding-top: 56px; } .panel { padding: 14px; } .notes dl div { grid-template-columns: 1fr; }
  .wide-only { display: none; } .narrow-only { display: block; } table.shaded th:first-child { white-space: normal; width: 8em; min-width: 8em; } .facts { grid-template-columns: 1fr 1fr; } .facts dd { font-size: 27px; }
}
`;

const plots = `
svg.plot { display: block; max-width: 100%; height: auto; overflow: visible; font-family: var(--sans); }
.card svg.plot { margin: 0 auto; }
.plot text { fill: var(--ink); font-size: 13px; font-variant-numeric: tabular-nums; }
.plot .tick { fill: var(--muted); font-size: 11.5px; } .plot .tick.dark { fill: var(--ink); } .plot .tick.faint { font-size: 9px; opacity: .8; }
.plot .strong { font-weight: 600; } .plot .value { font-weight: 600; font-size: 12.5px; }
.plot .halo { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; }
.plot .grid, .plot .ring { stroke: var(--grid); fill: none; } .plot .axis { stroke: var(--ink); }
.plot .reference { stroke: var(--full); stroke-width: 1.5; stroke-dasharray: 4 3; } .plot .reference-band { fill: var(--full); opacity: .1; }
.plot .whisker { stroke: var(--ink); stroke-width: 1.4; }
.plot .bar { rx: 2px; } .bar.full { fill: var(--full); } .bar.quantized { fill: var(--quantized); } .bar.restored { fill: url(#stripes); }
.node.right { fill: var(--full); } .node.wrong { fill: var(--quantized); }
.flow { stroke: none; } .flow.stay { fill: var(--full); opacity: .16; } .flow.remain { fill: var(--quantized); opacity: .28; }
.flow.fall { fill: var(--quantized); opacity: .6; } .flow.rise { fill: var(--restored); opacity: .62; } .flow:hover { opacity: .85; }
.radar { stroke-width: 1.8; fill-opacity: .22; stroke-linejoin: round; }
.radar.full { stroke: var(--full); fill: var(--full); } .radar.quantized { stroke: var(--quantized); fill: var(--quantized); }
.radar.restored { stroke: var(--restored); fill: var(--restored); stroke-dasharray: 5 3; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; } .curve.faint { stroke-width: 1; opacity: .35; }
.curve.quantized { stroke: var(--quantized); } .curve.restored { stroke: var(--restored); }
.dot.full { fill: var(--full); } .dot.quantized { fill: var(--quantized); } .dot.restored { fill: var(--restored); }
.heat { fill: color-mix(in oklab, var(--heat) var(--shade), var(--panel)); stroke: var(--grid); stroke-width: .5; }
.plot .heat-ink { font-size: 11px; }
.type.conceptual-misunderstanding { --type: var(--concept); } .type.contextual-oversight { --type: var(--context); }
.type.procedural-error { --type: var(--procedure); } .type.formula-rule-error { --type: var(--formula); }
.type.numerical-computation-error { --type: var(--arithmetic); } .type.symbolic-manipulation-error { --type: var(--symbols); }
.type.logical-reasoning-error { --type: var(--logic); } .type.degenerate { --type: var(--degenerate); }
.plot .type { fill: var(--type); } .plot .type.degenerate { fill: url(#dots); }
.key.type { background: var(--type); } .key.type.degenerate { background: repeating-linear-gradient(90deg, var(--degenerate) 0 2px, color-mix(in srgb, var(--degenerate) 45%, var(--panel)) 2px 4px); }
.plot .on-type { fill: var(--on-dark); font-size: 11.5px; pointer-events: none; }
.plot .on-type.contextual-oversight, .plot .on-type.formula-rule-error, .plot .on-type.symbolic-manipulation-error { fill: var(--on-light); }
.plot .on-type.degenerate { fill: var(--ink); paint-order: stroke; stroke: var(--panel); stroke-width: 3px; }
.plot a:hover rect { opacity: .8; } .plot a:focus-visible { outline: none; } .plot a:focus-visible rect { stroke: var(--ink); stroke-width: 2; }
@media print { .plot rect, .heat-cell, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

const tables = `
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th { font-weight: 600; text-align: left; }
table.numbers { width: 100%; } table.numbers th, table.numbers td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
table.numbers th:first-child { text-align: left; } table.numbers thead th { color: var(--muted); font-weight: 400; font-size: 13px; }
table.shaded { border-spacing: 2px; border-collapse: separate; width: 100%; }
table.shaded th { font-weight: 400; white-space: nowrap; padding: 4px 12px 4px 0; } table.shaded thead th { text-align: center; color: var(--muted); padding: 0 6px 6px; font-size: 13px; }
table.shaded thead th:first-child { text-align: left; padding-left: 0; } table.shaded th:first-child { width: 13em; } table.shaded small { display: block; font-size: 11px; }
table.shaded th:first-child { position: sticky; left: 0; background: var(--panel); }
.heat-cell { background: color-mix(in oklab, var(--heat) var(--shade), var(--panel)); text-align: center; padding: 5px 4px; border-radius: 3px; min-width: 3.4em; }
table.settings { width: 100%; table-layout: fixed; } table.settings th, table.settings td { padding: 5px 16px 5px 0; border-top: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
table.settings th { font: 13px/1.6 var(--mono); width: 42%; }
.group { margin-top: 32px; } .group > summary { font-size: 16px; }
details > summary { cursor: pointer; font-weight: 600; font-size: 15px; } details[open] > summary { margin-bottom: 14px; }
`;

const solutions = `
.pairs { display: grid; gap: 16px; } .pair { margin: 0; } .question { margin: 0 0 12px; font: 17px/1.5 var(--serif); overflow-wrap: anywhere; }
pre { margin: 0; font: 13.5px/1.65 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; } .prefix { color: var(--muted); margin-bottom: 10px; }
.versus { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; } .versus > div { border-radius: 8px; padding: 10px 14px; min-width: 0; }
.chosen { background: var(--restored-soft); } .rejected { background: var(--quantized-soft); } .tag { margin: 0 0 4px; font-size: 13px; font-weight: 600; }
.filters { display: flex; flex-wrap: wrap; gap: 12px; align-items: end; }
.filters label { display: grid; gap: 3px; font-size: 13px; color: var(--muted); flex: 1 1 130px; min-width: 0; }
select, input, button { font: 14px/1.3 var(--sans); color: var(--ink); background: var(--paper); border: 1px solid var(--rule); border-radius: 6px; padding: 7px 9px; max-width: 100%; width: 100%; }
button { width: auto; cursor: pointer; } button:hover:not(:disabled) { border-color: var(--accent); } button:disabled { opacity: .45; cursor: default; }
.found { margin: 14px 0; font-size: 14px; color: var(--muted); }
.split { display: grid; grid-template-columns: 250px minmax(0, 1fr); gap: 20px; }
.list { list-style: none; margin: 0; padding: 0; max-height: 620px; overflow-y: auto; border: 1px solid var(--rule); border-radius: 8px; }
.list button { display: block; width: 100%; text-align: left; border: 0; border-bottom: 1px solid var(--rule); border-radius: 0; background: none; padding: 9px 12px; }
.list button small { display: block; color: var(--muted); } .list button[aria-current="true"] { background: color-mix(in srgb, var(--accent) 14%, var(--panel)); box-shadow: inset 3px 0 var(--accent); }
.list .more { color: var(--accent); } .list button:focus-visible { outline-offset: -2px; }
.detail { min-width: 0; } .detail-head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 8px 16px; align-items: center; margin-bottom: 14px; }
.detail-head p { margin: 0; font-size: 14px; color: var(--muted); } .detail-head div { display: flex; gap: 8px; }
.chip { display: inline-flex; align-items: center; border: 1px solid var(--rule); border-radius: 99px; padding: 1px 11px 1px 8px; color: var(--ink); margin-right: 8px; } .chip .key { width: 10px; height: 10px; border-radius: 50%; vertical-align: 0; }
.side { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; } .side > div { min-width: 0; } .side h4 { margin: 0 0 2px; font-size: 15px; } .answer { margin: 0 0 10px; font-size: 14px; color: var(--muted); }
ol.steps { list-style: none; margin: 0; padding: 0; font: 13.5px/1.5 var(--mono); }
ol.steps li { padding: 6px 10px 6px 32px; position: relative; overflow-wrap: anywhere; white-space: pre-wrap; border-left: 3px solid transparent; }
ol.steps li::before { content: attr(data-mark); position: absolute; left: 10px; color: var(--muted); } ol.steps li.right::before { color: var(--restored); }
ol.steps li.wrong { background: var(--quantized-soft); border-left-color: var(--quantized); border-radius: 4px; } ol.steps li.wrong::before { color: var(--quantized); font-weight: 700; }
ol.steps li.after { color: var(--muted); } .why { display: block; font: 13.5px/1.45 var(--sans); margin-top: 3px; white-space: normal; } .why b { color: var(--quantized-ink); }
.remark { background: var(--quantized-soft); border-left: 3px solid var(--quantized); border-radius: 4px; padding: 8px 12px; font-size: 14px; margin: 0 0 12px; overflow-wrap: anywhere; }
@media (max-width: 860px) { .split, .side { grid-template-columns: minmax(0, 1fr); } .list { max-height: 250px; } }
@media (max-width: 720px) { .versus { grid-template-columns: 1fr; } }
@media print { table.numbers { font-size: 8pt; } table.numbers th, table.numbers td { padding: 4px 5px 4px 0; white-space: normal; } .wide-only { display: block; } .narrow-only { display: none; } details::details-content { content-visibility: visible; block-size: auto; } nav, .filters, .list, .found, .detail-head div { display: none; } .split { display: block; } .panel, .card { break-inside: avoid; } body { font-size: 11pt; } section { padding-top: 28px; } .page { padding: 0; } .scroll { overflow: visible; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`;

/** All rules of the page. */
export const pageStyle: string = [colors, layout, plots, tables, solutions].join("");
