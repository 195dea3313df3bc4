/**
 * `node test/common/secret-heap.ts FILE [reveal]`: reads a secret and prints whether its text is anywhere in a heap
 * snapshot of this process.
 */
import { getHeapSnapshot } from 'node:v8';
import { readSecretFile } from '../../common/config.ts';

const [file, mode] = process.argv.slice(2);
const secret = readSecretFile(file!);
// What a careless caller would do; the control that shows that the search finds something.
const text = mode === 'reveal' ? secret.reveal().toString() : undefined;
const chunks: Buffer[] = [];
for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer);
process.stdout.write(Buffer.concat(chunks).includes(secret.reveal()) ? 'found' : 'absent');
process.exit(text === '' ? 1 : 0);
