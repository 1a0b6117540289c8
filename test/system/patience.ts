/** Times as long as usual that a test waits for what is to come: given by the runner, which knows how slow the machine is. */
export const PATIENCE = Number(process.env['FOURLANE_TEST_PATIENCE'] ?? 1);
