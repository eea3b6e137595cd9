/** How two JSON values differ, setting by setting, in words: `seed: 1 there, 2 asked for`. */
export function differences(
  recorded: unknown,
  asked: unknown,
  [there, here]: readonly [there: string, here: string] = ["there", "asked for"],
): string[] {
  const [before, after] = [flattened(recorded), flattened(asked)];
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map(
      (path) => `${path}: ${before.get(path) ?? "nothing"} ${there}, ${after.get(path) ?? "nothing"} ${here}`,
    );
}

function flattened(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    for (const [key, inner] of Object.entries(value))
      flattened(inner, path === "" ? key : `${path}.${key}`, into);
  } else if (value !== undefined) into.set(path, JSON.stringify(value));
  return into;
}
