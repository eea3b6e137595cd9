/** @file Prompts that several benchmarks share. */
import type { Problem } from "../problem.ts";
import type { PlainPrompt, Task } from "../task.ts";
import type { ProblemOfRow } from "./benchmark.ts";

/** What Qwen2.5-Math and DeepSeek-R1 recommend for mathematics, in the user's turn. */
export const boxedMessages: Task["messages"] = ({ question }) => [
  {
    role: "user",
    content: `${question}\n\nPlease reason step by step, and put your final answer within \\boxed{}.`,
  },
];

/** OpenAI's simple-evals: multiple choice with a chain of thought; the options stand in the question as `A) …`. */
export const choiceMessages: Task["messages"] = (problem) => [{ role: "user", content: choiceText(problem) }];

function choiceText({ question }: Problem): string {
  return (
    "Answer the following multiple choice question. The last line of your response should be of the following format: " +
    `'Answer: $LETTER' (without quotes) where LETTER is one of ${lettersOf(question)}. Think step by step before answering.\n\n${question}`
  );
}

/** The instruction of {@link choiceMessages} as a text to be continued. */
export const choicePlainPrompt: PlainPrompt = { text: (problem) => `${choiceText(problem)}\n\n`, stop: [] };

const letters = "ABCDEFGHIJ";

function lettersOf(question: string): string {
  const last = [...question.matchAll(/^([A-J])\) /gmu)].at(-1)?.[1] ?? "D";
  return letters.slice(0, letters.indexOf(last) + 1);
}

/** A question with its options, `A) …` each on a line; ten at most. */
export function withOptions(question: string, options: readonly string[]): string {
  if (options.length < 2 || options.length > letters.length)
    throw new RangeError(`withOptions(): expected 2 to ${letters.length} options, got ${options.length}.`);
  return `${question.trim()}\n\n${options.map((option, index) => `${letters[index]!}) ${option.trim()}`).join("\n")}`;
}

/** The letter of an option, 0 for A. */
export function optionLetter(index: number, options: readonly unknown[]): string {
  const letter = index < options.length ? letters[index] : undefined;
  if (letter === undefined) throw new RangeError(`optionLetter(): no option ${index}.`);
  return letter;
}

const wordProblems: readonly (readonly [question: string, solution: string])[] = [
  [
    "There are 15 trees in the grove. Grove workers will plant trees in the grove today. After they are done, there will be 21 trees. How many trees did the grove workers plant today?",
    "There are 15 trees originally. Then there were 21 trees after some more were planted. So there must have been 21 - 15 = 6. The answer is 6.",
  ],
  [
    "If there are 3 cars in the parking lot and 2 more cars arrive, how many cars are in the parking lot?",
    "There are originally 3 cars. 2 more cars arrive. 3 + 2 = 5. The answer is 5.",
  ],
  [
    "Leah had 32 chocolates and her sister had 42. If they ate 35, how many pieces do they have left in total?",
    "Originally, Leah had 32 chocolates. Her sister had 42. So in total they had 32 + 42 = 74. After eating 35, they had 74 - 35 = 39. The answer is 39.",
  ],
  [
    "Jason had 20 lollipops. He gave Denny some lollipops. Now Jason has 12 lollipops. How many lollipops did Jason give to Denny?",
    "Jason started with 20 lollipops. Then he had 12 after giving some to Denny. So he gave Denny 20 - 12 = 8. The answer is 8.",
  ],
  [
    "Shawn has five toys. For Christmas, he got two toys each from his mom and dad. How many toys does he have now?",
    "Shawn started with 5 toys. If he got 2 toys each from his mom and dad, then that is 4 more toys. 5 + 4 = 9. The answer is 9.",
  ],
  [
    "There were nine computers in the server room. Five more computers were installed each day, from monday to thursday. How many computers are now in the server room?",
    "There were originally 9 computers. For each of 4 days, 5 more computers were added. So 5 * 4 = 20 computers were added. 9 + 20 is 29. The answer is 29.",
  ],
  [
    "Michael had 58 golf balls. On tuesday, he lost 23 golf balls. On wednesday, he lost 2 more. How many golf balls did he have at the end of wednesday?",
    "Michael started with 58 golf balls. After losing 23 on tuesday, he had 58 - 23 = 35. After losing 2 more, he had 35 - 2 = 33 golf balls. The answer is 33.",
  ],
  [
    "Olivia has $23. She bought five bagels for $3 each. How much money does she have left?",
    "Olivia had 23 dollars. 5 bagels for 3 dollars each will be 5 x 3 = 15 dollars. So she has 23 - 15 dollars left. 23 - 15 is 8. The answer is 8.",
  ],
];

/** The eight examples of Wei et al. 2022 (chain of thought, table 20), in the form of lm-evaluation-harness (`gsm8k_cot`). */
export const wordProblemPrompt: PlainPrompt = {
  text: ({ question }) =>
    `${wordProblems.map(([asked, solution]) => `Q: ${asked}\nA: ${solution}\n\n`).join("")}Q: ${question}\nA:`,
  stop: ["\nQ:", "Q:"],
};

/** The form of Minerva (Lewkowycz et al. 2022): four solved problems, here the first short ones of the training half. */
export function minervaPrompt(examples: readonly ProblemOfRow[]): PlainPrompt {
  const shown = examples.filter(({ solution = "" }) => solution !== "" && solution.length < 600).slice(0, 4);
  const before = shown
    .map(
      ({ question, solution, answer }) =>
        `Problem:\n${question}\n\nSolution: ${solution}\nFinal Answer: The final answer is $${answer}$. I hope it is correct.\n\n`,
    )
    .join("");
  return { text: ({ question }) => `${before}Problem:\n${question}\n\nSolution:`, stop: ["\nProblem:"] };
}
