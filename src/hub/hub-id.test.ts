import { describe, expect, it } from "vitest";
import { parseHubId } from "./hub-id.ts";

describe("parseHubId", () => {
  it.each([
    ["Qwen/Qwen3-0.6B", { repository: "Qwen/Qwen3-0.6B", revision: "main", file: null }],
    ["org/name@v1.0", { repository: "org/name", revision: "v1.0", file: null }],
    ["org/name@refs/pr/1", { repository: "org/name", revision: "refs/pr/1", file: null }],
    ["org/name-GGUF:Q4_0", { repository: "org/name-GGUF", revision: "main", file: "Q4_0" }],
    ["org/name@v1:file.Q4_0.gguf", { repository: "org/name", revision: "v1", file: "file.Q4_0.gguf" }],
  ])("reads %s", (text, id) => {
    expect(parseHubId(text)).toEqual(id);
  });

  it.each([
    "pocket",
    "a/b/c",
    "../model",
    "models/../secret",
    "org/..",
    "org/name@../../x",
    "org/name@",
    "org/name:",
    "org/a--b",
    "/org/name",
    "org/name:../x",
    "",
  ])("does not take %j for an id", (text) => {
    expect(parseHubId(text)).toBeNull();
  });
});
