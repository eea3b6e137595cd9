import type { FlipGroup } from "../runs/run-comparison.ts";
import type { CorrectById } from "./flips.ts";

/** Counts flips in every group, names in natural order; problems without a group are left out. */
export function flipsByGroup<Problem extends { readonly id: string }>(
  problems: readonly Problem[],
  {
    before,
    after,
    groupOf,
  }: {
    readonly before: CorrectById;
    readonly after: CorrectById;
    readonly groupOf: (problem: Problem) => string | null;
  },
): FlipGroup[] {
  const grouped = Map.groupBy(problems, groupOf);
  grouped.delete(null);
  const groups = [...grouped].map(([name, members]) => {
    const count = (wanted: (was: boolean, is: boolean) => boolean): number =>
      members.filter(({ id }) => wanted(before.get(id) === true, after.get(id) === true)).length;
    return {
      name: name!,
      n: members.length,
      solvedBefore: count((was) => was),
      solvedAfter: count((_was, is) => is),
      lost: count((was, is) => was && !is),
      won: count((was, is) => !was && is),
    };
  });
  return groups.toSorted((left, right) => left.name.localeCompare(right.name, "en", { numeric: true }));
}
