/** The sandbox as a process; `--help` says what it takes. */
import { enableCompileCache } from 'node:module';

// Most of a start is reading modules: what node made of them at an earlier one saves a quarter of it.
enableCompileCache();
const { main } = await import('./command.ts');
await main(process.argv.slice(2));
