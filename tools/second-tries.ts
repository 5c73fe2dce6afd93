import type { Reporter, TestCase } from "vitest/node";

/** Says what a test failed with before it passed on its second try; the usual report only says that it did. */
export class SecondTries implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky !== true) return;
    const errors = test.result().errors ?? [];
    const told = errors.flatMap(({ message, stack = message, diff = "" }) => [...ownLines(stack), diff]);
    console.log(`Passed on its second try: ${test.module.relativeModuleId} > ${test.fullName}\n${told.join("\n")}`);
  }
}

const ownLines = (stack: string): string[] => stack.split("\n").filter((line) => !line.includes("/node_modules/"));
