import assert from 'node:assert/strict';
import { ERRORS, signerError, toProblem } from '../../sidecar/errors.ts';
import { problem, SIGNER_ERROR_CODES, signRequest } from '../../sidecar/protocol.ts';

describe('signer protocol', () => {
  it('has a row for every code, and each refusal a status of its kind', () => {
    assert.deepEqual(Object.keys(ERRORS).sort(), [...SIGNER_ERROR_CODES].sort());
    for (const [code, { status, title, remedy }] of Object.entries(ERRORS)) {
      assert.ok([400, 401, 403, 404, 409, 413, 429, 500, 503].includes(status), code);
      assert.ok(title !== '' && remedy.endsWith('.'), code);
    }
  });

  it('makes problem documents (RFC 9457)', () => {
    const document = toProblem(
      signerError('fee-too-high', 'a fee of 5', { field: 'fee', cause: new Error('x') }),
    );
    assert.deepEqual(document, {
      type: 'urn:stellar-signer:error:fee-too-high',
      title: 'The fee is above the limit',
      status: 403,
      detail: 'a fee of 5',
      code: 'fee-too-high',
      field: 'fee',
    });
    assert.ok(problem.safeParse(document).success);
  });

  it('tells nothing of an error that is not of the table @security', () => {
    const { code, detail } = toProblem(new Error('PIN 1234 in /etc/pin'));
    assert.deepEqual([code, detail], ['internal', 'see the signer’s log']);
  });

  it('refuses what it does not know in a request @security', () => {
    assert.ok(signRequest.safeParse({ envelopeXdr: 'AAAA' }).success);
    for (const body of [
      undefined,
      [],
      {},
      { envelopeXdr: 1 },
      { envelopeXdr: '' },
      { envelopeXdr: 'AAAA', hash: 'x' },
    ])
      assert.equal(signRequest.safeParse(body).success, false);
  });
});
