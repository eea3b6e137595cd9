/** @file The LaTeX commands that answers are written with, and what they mean. */

/** Commands that only place or decorate what follows; they mean nothing. */
export const silentCommands: ReadonlySet<string> = new Set(
  (
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle scriptstyle limits nolimits quad qquad " +
    "mathstrut hspace vspace phantom noindent middle thinspace medspace enspace allowbreak hfill"
  ).split(" "),
);

/** Commands whose argument is shown in another style and means what it means without. */
export const styleCommands: ReadonlySet<string> = new Set(
  (
    "mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak boldsymbol bm pmb operatorname overline underline vec hat bar tilde " +
    "widehat widetilde overrightarrow boxed fbox ensuremath displaylines emph underbrace overbrace dot ddot textnormal"
  ).split(" "),
);

/** Commands whose argument is prose. */
export const textCommands: ReadonlySet<string> = new Set(
  "text textbf textit textrm textsf texttt mbox hbox mathtext textup textsc".split(" "),
);

/** Functions, by the names that LaTeX and programs have for them. */
export const functionNames: ReadonlyMap<string, string> = new Map(
  (
    "sin cos tan cot sec csc sinh cosh tanh coth ln log lg exp arcsin arccos arctan arccot asin:arcsin acos:arccos atan:arctan sqrt abs max min gcd lcm " +
    "floor ceil det arg Re Im deg dim sgn tg:tan ctg:cot cosec:csc binom cbrt factorial"
  )
    .split(" ")
    .map((entry) => entry.split(":"))
    .map(([name, meaning]) => [name!, meaning ?? name!]),
);

const greek =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi " +
  "Sigma Upsilon Phi Psi Omega ell hbar partial nabla emptyset aleph imath jmath";

/** Commands that are symbols. */
export const symbolCommands: ReadonlyMap<string, string> = new Map([
  ...greek.split(" ").map((name): [string, string] => [name, name]),
  ["varphi", "phi"],
  ["varepsilon", "epsilon"],
  ["vartheta", "theta"],
  ["varnothing", "emptyset"],
  ["pi", "pi"],
  ["infty", "infinity"],
]);

/** Commands that are operators, as the tokens they become. */
export const operatorCommands: ReadonlyMap<string, string> = new Map([
  ["cdot", "*"],
  ["times", "*"],
  ["ast", "*"],
  ["div", "/"],
  ["pm", "±"],
  ["mp", "∓"],
  ["le", "<="],
  ["leq", "<="],
  ["leqslant", "<="],
  ["lt", "<"],
  ["ge", ">="],
  ["geq", ">="],
  ["geqslant", ">="],
  ["gt", ">"],
  ["ne", "!="],
  ["neq", "!="],
  ["in", "in"],
  ["approx", "~"],
  ["sim", "~"],
  ["simeq", "~"],
  ["doteq", "~"],
  ["equiv", "="],
  ["cup", "union"],
  ["cap", "intersection"],
  ["setminus", "difference"],
  ["backslash", "difference"],
  ["mid", "|"],
  ["vert", "|"],
  ["lvert", "|"],
  ["rvert", "|"],
  ["colon", ":"],
  ["circ", "°"],
  ["degree", "°"],
  ["prime", "'"],
  ["lbrace", "\\{"],
  ["rbrace", "\\}"],
  ["langle", "("],
  ["rangle", ")"],
  ["lfloor", "lfloor"],
  ["rfloor", "rfloor"],
  ["lceil", "lceil"],
  ["rceil", "rceil"],
  ["land", "and"],
  ["wedge", "and"],
  ["lor", "or"],
  ["vee", "or"],
  ["ldots", "..."],
  ["dots", "..."],
  ["cdots", "..."],
  ["lbrack", "["],
  ["rbrack", "]"],
  ["angle", "named"],
  ["triangle", "named"],
  ["because", "..."],
  ["therefore", "..."],
]);

/** Commands with arguments of their own that the parser knows. */
export const structureCommands: ReadonlySet<string> = new Set(
  "frac dfrac tfrac cfrac sqrt binom dbinom tbinom begin end pmod bmod mod sum prod int lim".split(" "),
);

const known: readonly string[] = [
  ...silentCommands,
  ...styleCommands,
  ...textCommands,
  ...functionNames.keys(),
  ...symbolCommands.keys(),
  ...operatorCommands.keys(),
  ...structureCommands,
].toSorted((a, b) => b.length - a.length);

/** Splits what graders glued together by removing spaces: `omegai` is `omega` and `i`. The longest known beginning, or the whole. */
export function splitCommand(letters: string): readonly [command: string, rest: string] {
  const found = known.find((name) => letters.startsWith(name));
  return found === undefined ? [letters, ""] : [found, letters.slice(found.length)];
}
