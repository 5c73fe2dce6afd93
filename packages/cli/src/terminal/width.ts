// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const escapes = /\u001b\[[0-9;?]*[A-Za-z]/g;
// eslint-disable-next-line no-control-regex -- these are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const marks = /\p{Mark}/u;

/** Columns that text takes in a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text.replace(escapes, "")) width += widthOf(character);
  return width;
}

/** The beginning of text that fits, with "…" where something is missing. Escape sequences take no room and stay whole. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 1) return "";
  let width = 0;
  let result = "";
  let styled = false;
  for (const part of text.split(new RegExp(`(${escapes.source})`))) {
    if (part.startsWith("\u001b[")) {
      result += part;
      styled = true;
      continue;
    }
    for (const character of part) {
      width += widthOf(character);
      if (width > columns - 1) return `${result}…${styled ? "\u001b[0m" : ""}`;
      result += character;
    }
  }
  return result;
}

/** Text without escape sequences as lines that fit, broken between words; a word that is longer than a line is a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && displayWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Text of a program without what could move the cursor or change the terminal. */
export function printable(text: string): string {
  return text.replace(escapes, "").replace(controls, "\u{fffd}");
}

/** The same on one line, so that it cannot look like lines of ours. */
export const onOneLine = (text: string): string => printable(text).replaceAll(/\s+/g, " ");

const widthOf = (character: string): number => (marks.test(character) ? 0 : wide.test(character) ? 2 : 1);
