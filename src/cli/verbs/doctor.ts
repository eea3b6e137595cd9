import { doctor } from "../../verbs/doctor.ts";
import { defineCommand } from "../command.ts";
import { paint } from "../terminal.ts";

export const command = defineCommand({
  options: { json: { type: "boolean", help: "Print one JSON array" } },
  examples: [
    { command: "bitmend doctor", does: "checks Node, the engine, cores, memory and the shipped model" },
  ],
  run: async ({ json }, { write, terminal }) => {
    const findings = await doctor();
    if (json) write(JSON.stringify(findings));
    else {
      for (const { name, ok, found, hint } of findings) {
        const mark = ok ? paint(terminal, "green", "ok  ") : paint(terminal, "red", "look");
        write(`${mark} ${name.padEnd(18)} ${found}`);
        if (!ok && hint !== null) write(`     ${hint}`);
      }
    }
    return findings.every(({ ok }) => ok) ? 0 : 1;
  },
});
