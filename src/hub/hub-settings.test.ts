import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hubSettings } from "./hub-settings.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-hub-settings-"));
writeFileSync(join(directory, "token"), "hf_stored\n");
afterAll(() => rmSync(directory, { recursive: true }));

describe("hubSettings", () => {
  it("knows the usual places", () => {
    const settings = hubSettings({ HF_TOKEN_PATH: join(directory, "none") });
    expect(settings).toEqual({
      endpoint: "https://huggingface.co",
      cacheDirectory: join(homedir(), ".cache/huggingface/hub"),
      token: null,
      offline: false,
    });
  });

  it.each([
    [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }, "/h/hub"],
    [{ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" }, "/old"],
    [{ HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/c" }, "/c"],
  ])("finds the cache of %j", (environment, cache) => {
    expect(hubSettings(environment).cacheDirectory).toBe(cache);
  });

  it.each([
    [{}, "hf_stored"],
    [{ HUGGING_FACE_HUB_TOKEN: "hf_old" }, "hf_old"],
    [{ HUGGING_FACE_HUB_TOKEN: "hf_old", HF_TOKEN: "hf_new" }, "hf_new"],
    [{ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }, null],
  ])("takes the token of %j", (environment, token) => {
    expect(hubSettings({ HF_HOME: directory, ...environment }).token).toBe(token);
  });

  it("is offline when told so", () => {
    expect(hubSettings({ HF_HUB_OFFLINE: "1" }).offline).toBe(true);
    expect(hubSettings({ HF_HUB_OFFLINE: "0" }).offline).toBe(false);
  });
});
