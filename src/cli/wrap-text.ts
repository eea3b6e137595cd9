/** Lines of at most `columns` characters, broken at spaces; a longer word, such as a path, keeps a line of its own. */
export function wrapText(text: string, columns = 79): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= columns || line === "") line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
