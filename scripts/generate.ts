/** `make generate` writes every generated file; `--check` writes nothing and fails when one is out of date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { generate as crdTypes } from './generate-crd-types.ts';
import { generate as forgeries } from './generate-forgeries.ts';
import { generate as openapi } from './generate-openapi.ts';
import { generate as signerErrors } from './generate-signer-errors.ts';
import { generate as traceability } from './traceability.ts';

const generated = [crdTypes, openapi, signerErrors, forgeries, traceability].flatMap((generate) =>
  generate(),
);
const stale = generated.filter(
  ({ path, content }) => !existsSync(path) || readFileSync(path, 'utf8') !== content,
);

if (process.argv.includes('--check')) {
  for (const { path } of stale) console.error(`${path} is out of date: run make generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const { path, content } of stale) {
    writeFileSync(path, content);
    console.log(`wrote ${path}`);
  }
}
