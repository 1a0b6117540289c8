/** Judgements shared by the check kinds. */
import { type Cause, causeCode, L7, LATE, OK, type Phase, phaseCode } from '../model/outcome.ts';
import type { Judgement } from './kind.ts';

/** The check passed. */
export const passed: Judgement = { outcome: OK, phase: phaseCode('match'), cause: causeCode('none'), detail: 0 };

/** Not judged: the check is to be run again by the patient helper. */
export const tooLong: Judgement = { outcome: LATE, phase: phaseCode('tls'), cause: causeCode('too_large'), detail: 0 };

/** The real server answered wrongly: link good, service bad. */
export function wrong(phase: Phase, cause: Cause, detail = 0): Judgement {
  return { outcome: L7, phase: phaseCode(phase), cause: causeCode(cause), detail };
}
