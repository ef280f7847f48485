/** `Name: value` lines, as one writes headers and parameters. */
export function linesOf(members: Record<string, string>): string {
  return Object.entries(members).map(([name, value]) => `${name}: ${value}`).join("\n");
}

/** The other way; a line without a colon is a name without a value, for the server to say what is wrong with it. */
export function membersOf(lines: string): Record<string, string> {
  const members: Record<string, string> = {};
  for (const line of lines.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    members[name.trim()] = colon < 0 ? "" : line.slice(colon + 1).trim();
  }
  return members;
}
