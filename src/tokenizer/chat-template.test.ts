import { describe, expect, it } from "vitest";
import { compileChatTemplate, type ChatMessage } from "./chat-template.ts";

const messages: ChatMessage[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: " 2 + 2? " },
];

function render(
  source: string,
  addGenerationPrompt = false,
  variables: Record<string, unknown> = {},
): string {
  const specialTokens = { bos_token: "<s>", eos_token: "</s>" };
  return compileChatTemplate(source, { where: "test", specialTokens })(messages, {
    addGenerationPrompt,
    variables,
  });
}

describe("chat templates", () => {
  it("renders ChatML (worked example: the template of Qwen without tools)", () => {
    const source =
      "{%- for message in messages %}\n" +
      "    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n" +
      "{%- endfor %}\n" +
      "{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n";
    expect(render(source, true)).toBe(
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n 2 + 2? <|im_end|>\n<|im_start|>assistant\n",
    );
  });

  it("renders Llama 3: filters, special tokens, the first turn apart", () => {
    const source =
      "{% set loop_messages = messages %}{% for message in loop_messages %}" +
      "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}" +
      "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
    expect(render(source, true)).toBe(
      "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>" +
        "<|start_header_id|>user<|end_header_id|>\n\n2 + 2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    );
  });

  it.each([
    [
      "namespace",
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
      "2",
    ],
    [
      "loop controls",
      "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i > 2 %}{% break %}{% endif %}{{ i }}{% endfor %}",
      "02",
    ],
    ["tojson", "{{ messages[0] | tojson }}", '{"role": "system", "content": "Be brief."}'],
    ["methods and slices", "{{ messages[::-1][0].content.strip().split(' ')[0] }}", "2"],
    ["macros", "{% macro turn(m) %}[{{ m.role }}]{% endmacro %}{{ turn(messages[1]) }}", "[user]"],
    ["trimmed blocks", "{% if true %}\na\n{% endif %}\nb\n", "a\nb"],
    ["what is not defined", "{% if tools is defined and tools %}x{% else %}y{% endif %}", "y"],
    ["filters with arguments", "{{ messages | map(attribute='role') | join(', ') }}", "system, user"],
    ["variables of the caller", "{{ enable_thinking }}", "false"],
    ["the date", "{{ strftime_now('%Y') | length }}", "4"],
  ])("knows %s", (_, source, expected) => {
    expect(render(source, false, { enable_thinking: false }).toLowerCase()).toBe(expected.toLowerCase());
  });

  it.each([
    ["a template that does not compile", "{% for %}"],
    ["a template that refuses the conversation", "{{ raise_exception('roles must alternate') }}"],
    ["a loop without end", "{% for i in range(10 ** 12) %}{% endfor %}"],
    ["a loop without end", "{% for i in range(1000000000000) %}{% endfor %}"],
    ["what does not exist", "{{ nothing() }}"],
  ])("refuses %s", (_, source) => {
    expect(() => render(source)).toThrow(expect.objectContaining({ code: "tokenizer/bad-chat-template" }));
  });

  it("passes on why a conversation is refused", () => {
    expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow(/roles must alternate/u);
  });
});
