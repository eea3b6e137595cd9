import type { ModelConfig } from "../../checkpoint/model-config.ts";
import { linearSites } from "../../models/linear-sites.ts";
import { gridOptionsSchema } from "../../quantization/grid-options.ts";
import { moduleGrids } from "../../quantization/grid-overrides.ts";
import { BitmendError } from "../../util/errors.ts";
import type { RunRecipe } from "../run-recipe.ts";
import { quantizedVariant, quantizedVariants } from "./variants.ts";

/**
 * Finds everything in a recipe that could fail after minutes of work.
 *
 * @throws {BitmendError} `verbs/bad-recipe` with every offence; `quantization/unknown-module` with every pattern that fits nothing.
 */
export function validateRecipe(recipe: RunRecipe, config: ModelConfig): void {
  moduleGrids(config, gridOptionsSchema.parse({ bits: 4 }), recipe.quantization.overrides);
  const { quantization, generation, qat, preference } = recipe;
  const offences: string[] = [];
  const { groupSize, packedLength } = quantization;
  if (groupSize !== -1 && groupSize % 16 !== 0)
    offences.push(`groupSize ${groupSize} is no multiple of 16, which the low-bit kernels need`);
  if (groupSize !== -1) {
    const uneven = linearSites(config).filter(({ inFeatures }) => inFeatures % groupSize !== 0);
    const kinds = [...new Set(uneven.map(({ kind, inFeatures }) => `${kind} (${inFeatures})`))];
    if (kinds.length > 0)
      offences.push(`groupSize ${groupSize} does not divide the inputs of ${kinds.join(", ")}`);
  }
  if (generation.maxNewTokens >= config.maxPositions) {
    offences.push(
      `maxNewTokens ${generation.maxNewTokens} leaves no room in ${config.maxPositions} positions`,
    );
  }
  if (packedLength !== null && packedLength > config.maxPositions)
    offences.push(`packedLength ${packedLength} is more than the model's ${config.maxPositions} positions`);
  if (quantization.headBits !== null && config.tiedEmbeddings)
    offences.push("headBits has no effect of its own: the head is the embedding table in this model");
  const variants = quantizedVariants(recipe);
  const names = variants.map(({ name }) => name);
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index)))
    offences.push(`variant ${name} is listed twice`);
  const least = Math.min(...quantization.mixed.widths);
  for (const { name } of variants.filter(({ averageBits = least }) => averageBits < least))
    offences.push(`variant ${name} has fewer bits than the smallest of its widths, ${least}`);
  for (const { name } of variants.filter(({ activations, bits }) => activations !== undefined && bits !== 8))
    offences.push(`variant ${name} rounds activations, which needs 8 bits`);
  const patients = [
    ...qat.map(({ bits }) => ({ stage: "qat", bits })),
    ...(preference === null ? [] : [{ stage: "preference", bits: preference.bits }]),
  ];
  for (const { stage, bits } of patients) {
    if (!names.includes(quantizedVariant(recipe, { method: "gptq", bits }).name))
      offences.push(`${stage} starts from gptq ${bits}, which is not among the variants`);
  }
  const mended = qat.map(({ bits }) => bits);
  for (const bits of new Set(mended.filter((each, index) => mended.indexOf(each) !== index)))
    offences.push(`qat of ${bits} bits is listed twice`);
  if (offences.length === 0) return;
  throw new BitmendError(
    "verbs/bad-recipe",
    `validateRecipe(): ${recipe.name} cannot run: ${offences.join("; ")}.`,
    { hint: "Change the recipe (--set PATH=VALUE changes one setting), or the options of a single verb." },
  );
}
