/** Families that no dashboard, rule or alert uses, and why. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {};
