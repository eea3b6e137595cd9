import { describe, expect, test } from "vitest";
import { scriptedServer } from "../../test/scripted-server.ts";
import { apiKey } from "./api-key.ts";
import { parseRemoteModel } from "./remote-model.ts";
import { servedModel } from "./served-model.ts";

describe("parseRemoteModel", () => {
  test("reads one server or several; a URL without a path gets /v1", () => {
    expect(parseRemoteModel("openai:http://localhost:8000#Qwen/Qwen3-8B")).toEqual({
      name: "Qwen/Qwen3-8B",
      servers: ["http://localhost:8000/v1"],
    });
    expect(parseRemoteModel("openai:https://a.example/api/v1/, http://b:81/v1,http://b:81/v1/#m#2")).toEqual({
      name: "m#2",
      servers: ["https://a.example/api/v1", "http://b:81/v1"],
    });
  });

  test.each([
    ["openai:http://localhost:8000", "no model name after #"],
    ["openai:#name", '"" is no URL'],
    ["openai:ftp://a#name", "ftp: is not http(s)"],
    ["openai:http://a/v1?key=secret#name", "a query stands in the URL"],
    ["openai:http://me:secret@a/v1#name", "a name or password stands in the URL"],
  ])("refuses %s and repeats no secret", (model, why) => {
    expect(() => parseRemoteModel(model)).toThrow(why);
    expect(() => parseRemoteModel(model)).not.toThrow("secret");
  });
});

describe("apiKey", () => {
  test("takes the most particular variable", () => {
    const environment = {
      OPENAI_API_KEY: "all",
      BITMEND_API_KEY_API_A_EXAMPLE: "host",
      BITMEND_API_KEY_LOCALHOST_81: "port",
    };
    expect(apiKey("https://api.a.example/v1", environment).key).toBe("host");
    expect(apiKey("http://localhost:81/v1", environment).key).toBe("port");
    expect(apiKey("http://localhost:82/v1", environment).key).toBe("all");
    expect(apiKey("https://b.example/v1", environment).key).toBe("all");
  });

  test("the key of no particular host is not sent in clear text to another machine", () => {
    expect(apiKey("http://b.example/v1", { OPENAI_API_KEY: "all" })).toEqual({
      key: null,
      variables: ["BITMEND_API_KEY_B_EXAMPLE"],
    });
  });
});

describe("servedModel", () => {
  test("names what is served instead of an unknown model", async () => {
    await using server = await scriptedServer(() => ({}), [{ id: "left" }, { id: "right" }]);
    const asked = servedModel({ name: "middle", servers: [server.url] });
    await expect(asked).rejects.toThrow(`expected middle, but ${server.url} serves left, right.`);
  });

  test("tells files of one name apart, and refuses to mix them", async () => {
    const small = { id: "m", meta: { n_params: 8, size: 4 }, created: 1 };
    await using first = await scriptedServer(() => ({}), [small]);
    await using second = await scriptedServer(() => ({}), [{ ...small, created: 2 }]);
    await using third = await scriptedServer(() => ({}), [{ ...small, meta: { n_params: 8, size: 5 } }]);
    const servers = [first.url, second.url];
    expect(await servedModel({ name: "m", servers })).toBe('{"meta":{"n_params":8,"size":4}}');
    await expect(servedModel({ name: "m", servers: [...servers, third.url] })).rejects.toMatchObject({
      code: "remote/different-models",
    });
  });

  test("a server without a list, or out of reach, says nothing", async () => {
    await using server = await scriptedServer(() => ({}), null);
    expect(await servedModel({ name: "m", servers: [server.url, "http://127.0.0.1:9/v1"] })).toBe("null");
  });
});
