/** docs/signer/errors.md from the signer's one error table. */
import { ERRORS } from '../sidecar/errors.ts';
import { SIGNER_ERROR_CODES } from '../sidecar/protocol.ts';

const HEAD = `# Errors of the signer

Generated from \`sidecar/errors.ts\` by \`make generate\`: do not edit.

Answers are RFC 9457 problem documents: \`type\` is \`urn:stellar-signer:error:<code>\`, \`detail\` says what is wrong with this request, \`field\` where.
Nothing is signed with any of them. 503 and 429 may be tried again as they are (\`Retry-After\` says when), others not. None carries key
material, a PIN, a token or what a backend said.

| code | HTTP | meaning | what to do |
| --- | --- | --- | --- |
`;

export function generate(): { path: string; content: string }[] {
  const rows = SIGNER_ERROR_CODES.map((code) => {
    const { status, title, remedy } = ERRORS[code];
    return `| \`${code}\` | ${status} | ${title} | ${remedy} |\n`;
  });
  return [{ path: 'docs/signer/errors.md', content: HEAD + rows.join('') }];
}
