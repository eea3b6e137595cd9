import { expect, test } from "vitest";
import { smallConfig } from "../../test/random-model.ts";
import { layerSites } from "./linear-sites.ts";
import { gatedPreNormFolds, giverChannels } from "./scale-folds.ts";

test("worked example: four query heads of two read two value heads", () => {
  const config = { ...smallConfig, headCount: 4, keyValueHeadCount: 2, headDimension: 2 };
  const fold = gatedPreNormFolds.find(({ readers }) => readers.includes("o"))!;
  expect([...giverChannels(config, fold)]).toEqual([0, 1, 0, 1, 2, 3, 2, 3]);
});

test("every linear of a layer reads at one fold, whose channels are those it reads and those its giver has", () => {
  const sites = layerSites(smallConfig, 0);
  expect(gatedPreNormFolds.flatMap(({ readers }) => readers).toSorted()).toEqual(
    Object.keys(sites).toSorted(),
  );
  for (const fold of gatedPreNormFolds) {
    const channels = giverChannels(smallConfig, fold);
    for (const site of Object.values(sites).filter(({ kind }) => fold.readers.includes(kind)))
      expect(channels).toHaveLength(site.inFeatures);
    const { giver } = fold;
    const given = giver.kind === "norm" ? smallConfig.hiddenSize : sites[giver.linear].outFeatures;
    expect(new Set(channels)).toEqual(new Set(Array.from({ length: given }, (_, channel) => channel)));
  }
});
