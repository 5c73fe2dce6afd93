// A list of named checks: each runs, each failure is told, and the end says how many there were.
const checks = [];

/** Adds a check; it fails by throwing. */
export function check(name, run) {
  checks.push({ name, run });
}

/** Runs all checks in order and prints one line for each. */
export async function runChecks() {
  let failed = 0;
  for (const { name, run } of checks) {
    const startedAt = performance.now();
    try {
      const detail = await run();
      console.log(
        `ok    ${name}${detail === undefined ? "" : ` — ${detail}`} (${(performance.now() - startedAt).toFixed(0)} ms)`,
      );
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  console.log(`guest: ${checks.length} checks, ${failed} failed`);
  if (failed === 0 && checks.length > 0) console.log("guest: all checks passed");
  return failed;
}
