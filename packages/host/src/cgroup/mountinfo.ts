/** One mounted filesystem, from /proc/<pid>/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** Directory of the filesystem that is mounted ("/" unless bound or namespaced). */
  readonly root: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly source: string;
  readonly mountOptions: readonly string[];
  readonly superOptions: readonly string[];
}

/** Parses a mountinfo table; a line of any other shape is left out. */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const words = line.split(" ");
    const dash = words.indexOf("-", 6);
    const [, , , root, mountPoint, mountOptions] = words;
    const fsType = words[dash + 1];
    const source = words[dash + 2];
    if (dash < 0 || root === undefined || mountPoint === undefined || fsType === undefined || source === undefined)
      return [];
    return [
      {
        root: unescapeOctal(root),
        mountPoint: unescapeOctal(mountPoint),
        fsType,
        source: unescapeOctal(source),
        mountOptions: (mountOptions ?? "").split(","),
        superOptions: (words[dash + 3] ?? "").split(","),
      },
    ];
  });
}

/** The kernel writes space, tab, newline and backslash of a path as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
