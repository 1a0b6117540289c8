import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonFor } from '../../src/judge/reason.ts';
import type { CellEvidence, Evidence } from '../../src/model/verdict.ts';

const RS = '10.1.0.1:80';

function reason(...cells: readonly Partial<CellEvidence>[]): string {
  const evidence = { rule: 'R6', witnesses: 0, failing: 2, anchors: [], numbers: { valid_cells: 2, good_nics: 0 }, cells };
  return reasonFor({ subject: 'rs', rs: RS }, 'RS_DOWN', 'l7', evidence as unknown as Evidence);
}

const closed = { outcome: 'l7', phase: 'response', cause: 'closed', detail: 0 };
const refused = { outcome: 'l7', phase: 'match', cause: 'proxy_header', detail: 400 };
const status = { outcome: 'l7', phase: 'match', cause: 'status', detail: 500 };

test('a real server that every check finds without a PROXY protocol header, or with one too much, is called so', () => {
  assert.match(reason(closed, closed), /closes the connection without an answer, as a listener does that expects a PROXY/);
  assert.match(reason(refused, refused), /answers 400 to the PROXY protocol header of the check: its listener expects none/);
});

test('any other answer, or part of one, says nothing of a PROXY protocol header', () => {
  for (const cells of [
    [closed, status],
    [refused, closed],
    [{ ...closed, detail: 200 }],
    [status],
    [{ ...closed, phase: 'tls' }],
    [],
  ])
    assert.doesNotMatch(reason(...cells), /PROXY/);
});
