/**
 * @file The page's script: the browser of failing solutions.
 *
 * It runs in the reader's browser, not in Node, so it stands here as text. Everything it shows goes through `textContent`: a text of a
 * model can never become markup.
 */
export const pageScript: string = String.raw`
"use strict";
(() => {
  const root = document.querySelector("[data-browser]");
  const data = document.getElementById("failure-cases");
  if (!root || !data) return;
  const { variants, types, problems, cases } = JSON.parse(data.textContent);
  const pageSize = 100;
  const list = root.querySelector("[data-list]");
  const detail = root.querySelector("[data-detail]");
  const found = root.querySelector("[data-found]");
  const form = root.querySelector("form");
  const filter = Object.fromEntries([...root.querySelectorAll("[data-filter]")].map((field) => [field.dataset.filter, field]));
  let matching = [];
  let selected = -1;
  let listed = 0;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const grouped = (value) => value.toLocaleString("en-US");
  const words = (name) => name.replaceAll("-", " ");

  const fill = (name, choices) => {
    const select = filter[name];
    select.append(new Option("all", ""), ...choices.map(([value, label]) => new Option(label, value)));
    if (choices.length < 2) select.parentElement.hidden = choices.length === 0;
  };
  const distinct = (key) => [...new Set(cases.map((one) => problems[one.p][key]))].filter((value) => value !== null)
    .sort((left, right) => (typeof left === "number" ? left - right : left < right ? -1 : 1));
  fill("variant", variants.map((one, index) => [one, index]).filter(([one]) => one.shown > 0)
    .map(([one]) => [one.name, one.label + " (" + (one.shown < one.failures ? grouped(one.shown) + " of " : "") + grouped(one.failures) + ")"]));
  fill("type", types.filter((one, index) => cases.some((item) => item.t === index)).map((one) => [one.name, words(one.name)]));
  fill("subject", distinct("subject").map((value) => [value, value]));
  fill("level", distinct("level").map((value) => [String(value), String(value)]));

  const matches = (one) => {
    const problem = problems[one.p];
    const text = filter.text.value.trim().toLowerCase();
    return (!filter.variant.value || variants[one.v].name === filter.variant.value)
      && (!filter.type.value || types[one.t].name === filter.type.value)
      && (!filter.subject.value || problem.subject === filter.subject.value)
      && (!filter.level.value || String(problem.level) === filter.level.value)
      && (!text || (problem.id + "\n" + (problem.question ?? "") + "\n" + one.steps.join("\n")).toLowerCase().includes(text));
  };

  const listButton = (one, index) => {
    const item = element("li");
    const button = element("button", "", variants[one.v].label);
    const problem = problems[one.p];
    const place = [problem.subject, problem.level === null ? null : "level " + problem.level].filter(Boolean).join(", ");
    button.type = "button";
    button.append(element("small", "", words(types[one.t].name)), element("small", "", place || problem.id));
    button.addEventListener("click", () => show(index));
    item.append(button);
    return item;
  };

  const listMore = () => {
    list.querySelector(".more")?.parentElement.remove();
    const next = matching.slice(listed, listed + pageSize);
    list.append(...next.map((one, offset) => listButton(one, listed + offset)));
    listed += next.length;
    if (listed < matching.length) {
      const item = element("li");
      const more = element("button", "more", "Show " + grouped(Math.min(pageSize, matching.length - listed)) + " more");
      more.type = "button";
      more.addEventListener("click", () => { const first = listed; listMore(); list.children[first].firstChild.focus(); });
      item.append(more);
      list.append(item);
    }
  };

  const stepItem = (text, mark, className) => {
    const item = element("li", className, text);
    item.dataset.mark = mark;
    return item;
  };

  const because = (one) => {
    const why = element("span", "why");
    why.append(element("b", "", "First wrong step. "), one.evidence);
    return why;
  };

  const variantSteps = (one) => {
    const steps = element("ol", "steps");
    one.steps.forEach((text, index) => {
      const state = one.wrong === null ? "after" : index < one.wrong ? "right" : index === one.wrong ? "wrong" : "after";
      const item = stepItem(text, { right: "✓", wrong: "✗", after: "·" }[state], state);
      if (state === "wrong") { item.append(because(one)); item.setAttribute("aria-label", "First wrong step"); }
      steps.append(item);
    });
    if (one.wrong !== null && one.wrong >= one.steps.length) {
      const missing = stepItem("(a step is missing here)", "✗", "wrong");
      missing.append(because(one));
      steps.append(missing);
    }
    return steps;
  };

  const variantSide = (one, problem) => {
    const side = element("div");
    side.append(element("h4", "", variants[one.v].label));
    side.append(element("p", "answer", one.answer === null ? "gives no answer; expected " + problem.expected : "answers " + one.answer + "; expected " + problem.expected));
    if (one.wrong === null) side.append(element("p", "remark", one.evidence || "No single step is wrong: the output is degenerate."));
    side.append(variantSteps(one));
    return side;
  };

  const fullSide = (problem) => {
    const side = element("div");
    side.append(element("h4", "", "Full precision"));
    if (problem.full === null) { side.append(element("p", "answer", "no solution recorded")); return side; }
    side.append(element("p", "answer", problem.full.right ? "solves it" : "fails this problem too"));
    const steps = element("ol", "steps");
    problem.full.text.split("\n").filter((text) => text.trim() !== "")
      .forEach((text) => steps.append(stepItem(text, problem.full.right ? "✓" : "·", problem.full.right ? "right" : "after")));
    side.append(steps);
    return side;
  };

  const detailHead = (one, problem) => {
    const head = element("div", "detail-head");
    const about = element("p");
    const chip = element("span", "chip");
    chip.append(element("i", "key type " + types[one.t].name), words(types[one.t].name));
    about.append(chip, [problem.subject, problem.level === null ? null : "level " + problem.level, problem.id].filter(Boolean).join(" · "));
    const buttons = element("div");
    for (const [label, step] of [["Previous", -1], ["Next", 1]]) {
      const button = element("button", "", label);
      button.type = "button";
      button.disabled = matching[selected + step] === undefined;
      button.addEventListener("click", () => { show(selected + step); detail.querySelectorAll(".detail-head button")[step < 0 ? 0 : 1].focus(); });
      buttons.append(button);
    }
    head.append(about, buttons);
    return head;
  };

  const show = (index) => {
    selected = index;
    while (listed <= index && listed < matching.length) listMore();
    for (const button of list.querySelectorAll("button[aria-current]")) button.removeAttribute("aria-current");
    const one = matching[index];
    if (one === undefined) { detail.replaceChildren(element("p", "note", "No failing solution matches.")); return; }
    const button = list.children[index].firstChild;
    button.setAttribute("aria-current", "true");
    const top = button.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + button.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - 40;
    const problem = problems[one.p];
    const side = element("div", "side");
    side.append(variantSide(one, problem));
    if (!variants[one.v].full) side.append(fullSide(problem));
    detail.replaceChildren(detailHead(one, problem), ...(problem.question === null ? [] : [element("p", "question", problem.question)]), side);
  };

  const apply = () => {
    matching = cases.filter(matches);
    listed = 0;
    list.replaceChildren();
    listMore();
    list.scrollTop = 0;
    found.textContent = grouped(matching.length) + " of " + grouped(cases.length) + " solutions";
    show(0);
  };

  list.addEventListener("keydown", (event) => {
    const last = matching.length - 1;
    const to = { ArrowDown: Math.min(last, selected + 1), ArrowUp: Math.max(0, selected - 1), Home: 0, End: Math.min(last, listed - 1) }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    show(to);
    list.children[to].firstChild.focus();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));

  const followLink = () => {
    const [place, query] = location.hash.split("?");
    if (place !== "#failures" || query === undefined) return false;
    form.reset();
    for (const [name, value] of new URLSearchParams(query)) if (filter[name]) filter[name].value = value;
    apply();
    document.getElementById("failures").scrollIntoView();
    return true;
  };
  addEventListener("hashchange", followLink);
  if (!followLink()) apply();
})();
`;
