const [tailCharacters, windowCharacters] = [1000, 20];

/**
 * How varied the end of a text is: distinct windows of 20 characters among all those of its last 1,000, runs of white space taken as one
 * space; 1 for shorter texts. A loop that changes a word or a number now and then is no exact cycle, but has few distinct windows.
 */
export function distinctWindowShare(text: string): number {
  // White space is at most halved by collapsing in ordinary text; a tail of only spaces is short, and counts as such.
  const tail = text
    .slice(-4 * tailCharacters)
    .replaceAll(/\s+/g, " ")
    .trimEnd()
    .slice(-tailCharacters);
  if (tail.length < tailCharacters) return 1;
  const windows = new Set<string>();
  const count = tailCharacters - windowCharacters + 1;
  for (let start = 0; start < count; start++) windows.add(tail.slice(start, start + windowCharacters));
  return windows.size / count;
}
