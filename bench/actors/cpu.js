/** Processor time of this process so far, garbage collection on other threads included. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
