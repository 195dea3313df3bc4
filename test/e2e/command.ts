/** Runs a command of ours: an error is one line that says what went wrong and why, not a stack, and exit code 1. */
export async function command(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`${name}: ${reasons(error).join('\n  because ')}`);
    process.exitCode = 1;
  }
}

function reasons(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message.trim(), ...(error.cause === undefined ? [] : reasons(error.cause))];
}
