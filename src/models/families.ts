import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { DecoderFamily } from "./decoder-family.ts";
import { llama } from "./llama.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

const families: Readonly<Record<ModelConfig["modelType"], DecoderFamily>> = { llama, qwen2, qwen3 };

/** What the family of a model may contain, and where its scales can move. */
export function familyOf({ modelType }: Pick<ModelConfig, "modelType">): DecoderFamily {
  return families[modelType];
}
