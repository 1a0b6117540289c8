/** What is read at most: a configuration comes from others, and reading it must end. */

/** Depth of includes in includes; keepalived has no limit, a loop ends it at its file descriptors. */
export const MOST_DEPTH = 32;
export const MOST_FILES = 2000;
export const MOST_CHARACTERS = 64 << 20;
/** Characters that variables and generators make or move, all together. */
export const MOST_GENERATED = 32 << 20;
/** What each line that is made counts for beside its characters. */
export const LINE_COST = 300;
/** Characters of a line, after its variables are put in (MAXBUF - 1 of keepalived's parser.h). */
export const MOST_LINE = 1023;
/** How deep lines may make lines: generators in generators, definitions in definitions, files that they include. */
export const MOST_MADE = 200;
/** Variables put into one line: more is a definition that holds itself. */
export const MOST_REPLACED = 500;
/** Depth of blocks. */
export const MOST_BLOCKS = 64;
/** Problems kept. */
export const MOST_PROBLEMS = 10_000;
