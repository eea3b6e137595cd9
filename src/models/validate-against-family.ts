import type { ModelConfig } from "../checkpoint/model-config.ts";
import { BitmendError } from "../util/errors.ts";
import type { Presence } from "./decoder-family.ts";
import { familyOf } from "./families.ts";

/**
 * Refuses a configuration that its own family cannot have, all contradictions at once.
 *
 * @throws {BitmendError} `models/contradicting-config` names every field that contradicts the `model_type`.
 */
export function validateAgainstFamily(config: ModelConfig): void {
  const family = familyOf(config);
  const claims: readonly (readonly [string, Presence, boolean])[] = [
    ["attentionBias.queryKeyValue", family.queryKeyValueBias, config.attentionBias.queryKeyValue],
    ["attentionBias.output", family.outputBias, config.attentionBias.output],
    ["feedForwardBias", family.feedForwardBias, config.feedForwardBias],
    ["queryKeyNorm", family.queryKeyNorm, config.queryKeyNorm],
  ];
  const contradictions = claims.filter(
    ([, presence, claimed]) => (presence === "always" && !claimed) || (presence === "never" && claimed),
  );
  if (contradictions.length === 0) return;
  throw new BitmendError(
    "models/contradicting-config",
    `decoder(): expected a ${config.modelType} configuration, got ${contradictions
      .map(([field, presence, claimed]) => `${field}=${claimed} (${presence} true in this family)`)
      .join(", ")}.`,
    { hint: "Set model_type to the architecture that the weights belong to." },
  );
}
