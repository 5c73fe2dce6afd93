/** How a script is run: its words, and what must be readable inside. */
export interface ScriptProgram {
  readonly argv: readonly string[];
  readonly readable: readonly string[];
}
