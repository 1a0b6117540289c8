/**
 * Characters that act on a terminal, or show text as other than it is: C0 and C1 controls, marks that change the direction of
 * writing, and those that take no room. What others send may hold them; nothing that people read does.
 */

const UNSEEN = '\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb';
const ACTING = new RegExp(`[\\u0000-\\u001f\\u007f-\\u009f${UNSEEN}]`, 'g');
const ACTING_IN_LINES = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f${UNSEEN}]`, 'g');
const ACTING_IN_JSON = new RegExp(`[\\u007f-\\u009f${UNSEEN}]`, 'g');

const asEscape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One line of text, each such character as `\uXXXX`. */
export function plainLine(text: string): string {
  return text.replace(ACTING, asEscape);
}

/** Text of several lines, each such character but line ends and tabs as `\uXXXX`. */
export function plainLines(text: string): string {
  return text.replace(ACTING_IN_LINES, asEscape);
}

/** The same JSON, with escapes in its strings for such characters. */
export function plainJson(json: string): string {
  return json.replace(ACTING_IN_JSON, asEscape);
}

/** Whether a text holds none of them. */
export function isPlain(text: string): boolean {
  return plainLine(text) === text;
}
