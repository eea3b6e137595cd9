import { expect, test } from "vitest";
import { smooth, thin } from "./smooth.ts";

const points = [4, 2, 6, 0].map((y, x) => ({ x, y }));

test("smooth takes the mean of a point and those just before it", () => {
  expect(smooth(points, 1).map(({ y }) => y)).toEqual([4, 3, 4, 3]);
  expect(smooth(points, 0)).toEqual(points);
});

test("thin keeps the first and the last point", () => {
  const many = Array.from({ length: 1000 }, (_, x) => ({ x, y: x }));
  const few = thin(many, 10);
  expect([few.length, few[0]?.x, few.at(-1)?.x]).toEqual([10, 0, 999]);
});
