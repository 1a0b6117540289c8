/** `fourlane status` on an agent without verdicts whose actions are not in place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGood, renderStatus } from '../../src/cli/status.ts';
import { reportStatus } from '../../src/report/report.ts';
import type { AgentView } from '../../src/report/view.ts';
import { renderPage } from '../../src/http/page/page.ts';
import { fakeView, NOW } from '../report/fake-view.ts';

type Pending = ReturnType<AgentView['pending']>;
const WHY = 'dpvs-agent has not made this service itself; let its owner PUT it again through the agent';
const entry = { actuator: 'dpvs', kind: 'realServer', service: 'web', realServer: '10.1.0.1:80' } as const;
const wish = { ...entry, wanted: 'disabled', weight: 0, actual: 'weight 100', since: NOW - 90_000 } as const;
const view = (pending: Pending) => fakeView({ over: { pending: () => pending } });

test('a wanted effect that can not be put in place, or fails, is a failure: wanted, in place, since, why, exit status 2', () => {
  for (const state of ['unsupported', 'retrying'] as const) {
    const failures = state === 'retrying' ? 7 : 0;
    const shown = view({ total: 1, failing: 1, longest: [{ ...wish, state, failures, error: WHY }] });
    const report = reportStatus(shown);
    assert.equal(isGood(report), false);
    const text = renderStatus(report);
    assert.match(text, /^No verdicts, but 1 action is not in place: see below\.$/m);
    const line = text.split('\n').find((each) => each.startsWith('real server 10.1.0.1:80 of web'))!;
    assert.match(line, /^real server 10\.1\.0\.1:80 of web: weight 0, in place weight 100 +dpvs +(UNSUPPORTED|FAILED 7 ×) +/);
    assert.match(line, /for 1 m 30 s: dpvs-agent has not made this service itself/);
    assert.equal(report.pending.longest[0]!.since, new Date(Math.round(NOW - 90_000 + shown.wallOffsetMs())).toISOString());
    const page = renderPage(shown, new URLSearchParams());
    assert.match(page, /<h1>1\u00a0action\u00a0not\u00a0in\u00a0place<\/h1>/);
    assert.match(page, state === 'retrying' ? /■ failing/ : /■ unsupported/);
    assert.doesNotMatch(page, /No faults/);
  }
});

test('one that is on its way is none', () => {
  const report = reportStatus(view({ total: 1, failing: 0, longest: [{ ...wish, state: 'running', failures: 0, error: '' }] }));
  assert.equal(isGood(report), true);
  assert.match(renderStatus(report), /^No faults\.$/m);
});
