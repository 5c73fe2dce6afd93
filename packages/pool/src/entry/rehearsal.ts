/** What a worker loads in its rehearsals, the way a leased one loads the module of its holder. */
export default function rehearse(): null {
  return null;
}
