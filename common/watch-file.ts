import { readFileSync } from 'node:fs';

/**
 * Reads a text file every `intervalMs` milliseconds until `signal` is aborted and hands over what changed, at once what is
 * there now. It is read whole rather than watched: a ConfigMap volume swaps a symbolic link, which file events miss. A
 * missing file, or a text that `changed` throws at, is reported once and the last good one stays in force.
 */
export function watchText(
  path: string,
  intervalMs: number,
  handlers: { changed(text: string): void; failed(error: unknown): void },
  signal: AbortSignal,
): void {
  let last: string | undefined;
  let missing = false;
  const look = (): void => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (!missing) handlers.failed(error);
      missing = true;
      return;
    }
    missing = false;
    if (text === last) return;
    last = text;
    try {
      handlers.changed(text);
    } catch (error) {
      handlers.failed(error);
    }
  };
  look();
  const timer = setInterval(look, intervalMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
