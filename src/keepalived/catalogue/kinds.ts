/** What a keyword of keepalived.conf takes: the columns of the catalogue, and short ways to fill them in. */

export type Argument =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly unit?: string }
  /** A number with a fraction of at most `places` digits. */
  | { readonly kind: 'decimal'; readonly min: number; readonly max: number; readonly places: number; readonly unit: string }
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly anyCase?: boolean }
  /** true, on, yes; false, off, no. */
  | { readonly kind: 'boolean' }
  | { readonly kind: 'address'; readonly family?: 4 | 6 }
  | { readonly kind: 'interface' }
  | { readonly kind: 'digest' }
  | { readonly kind: 'statusCodes' }
  | { readonly kind: 'hex' }
  /** A name, a path or another word. */
  | { readonly kind: 'word' }
  /** A password. */
  | { readonly kind: 'secret' }
  /** A program and its arguments, to the end of the line: read by the second tokeniser. */
  | { readonly kind: 'command' }
  /** Words that are not looked at. */
  | { readonly kind: 'text' };

/** What a second time of a keyword in one block does. */
export type Again = 'last wins' | 'first wins' | 'adds' | 'refused';

export interface Keyword {
  readonly args: readonly Argument[];
  /** How many of them must be there. */
  readonly least: number;
  /** Further words after the arguments mean something. */
  readonly more: boolean;
  /** The block that follows in braces; `values`: lines of words, not of keywords. */
  readonly block: string | undefined;
  /** What holds when it is not written. */
  readonly fallback: string | undefined;
  /** First release that has it, when that is after 2.2.0. */
  readonly since: string | undefined;
  /** It is still taken, but is to be replaced by this. */
  readonly deprecated: string | undefined;
  /** It is not taken any more; what to write instead, '' for nothing. */
  readonly removed: string | undefined;
  readonly again: Again;
}

export type Options = Partial<Omit<Keyword, 'args'>>;

/** A keyword with arguments, each of which must be there unless `least` says otherwise. */
export function takes(args: readonly Argument[], options: Options = {}): Keyword {
  return {
    args,
    least: args.length,
    more: false,
    block: undefined,
    fallback: undefined,
    since: undefined,
    deprecated: undefined,
    removed: undefined,
    again: 'last wins',
    ...options,
  };
}

const UINT = 4_294_967_295;
/** Greatest whole seconds of a timer held in µs in 32 bits. */
const TIMER = 4294;

export const word: Argument = { kind: 'word' };
export const text: Argument = { kind: 'text' };
export const networkInterface: Argument = { kind: 'interface' };
export const anyAddress: Argument = { kind: 'address' };
export const choiceOf = (...of: string[]): Argument => ({ kind: 'choice', of });

/** Stands alone. */
export const flag = (options?: Options) => takes([], options);
/** Stands alone or with true or false. */
export const onOff = (options?: Options) => takes([{ kind: 'boolean' }], { least: 0, ...options });
export const integer = (min = 0, max = UINT, options?: Options) => takes([{ kind: 'integer', min, max }], options);
/** Whole seconds. */
export const wholeSeconds = (min = 0, max = TIMER, options?: Options) =>
  takes([{ kind: 'integer', min, max, unit: 's' }], options);
/** Seconds with up to six decimals. */
export const seconds = (min: number, max: number, options?: Options) =>
  takes([{ kind: 'decimal', min, max, places: 6, unit: 's' }], options);
/** Milliseconds with up to three decimals. */
export const milliseconds = (min: number, max: number, options?: Options) =>
  takes([{ kind: 'decimal', min, max, places: 3, unit: 'ms' }], options);
export const oneWord = (options?: Options) => takes([word], options);
export const anyWords = (options?: Options) => takes([text], { more: true, ...options });
export const address = (options?: Options) => takes([anyAddress], options);
/** Notify scripts: the first one written counts. */
export const command = (options?: Options) => takes([{ kind: 'command' }], { more: true, again: 'first wins', ...options });
export const port = (options?: Options) => integer(1, 65_535, options);
/** A block of keywords, with a name before the brace. */
export const namedBlock = (block: string, options?: Options) => takes([word], { block, again: 'adds', ...options });
export const block = (kind: string, options?: Options) => takes([], { block: kind, again: 'adds', ...options });
/** A block of lines of words. */
export const values = (options?: Options) => block('values', options);

/** Greatest delay of a timer, s. */
export const LONGEST = 18_446_744_073_709.55;
export const UNSIGNED = UINT;

/** What one argument must be, in words. */
export function expected(argument: Argument): string {
  switch (argument.kind) {
    case 'integer':
      return `a whole number from ${argument.min} to ${argument.max}${argument.unit === undefined ? '' : ` ${argument.unit}`}`;
    case 'decimal':
      return argument.max >= LONGEST
        ? `a number of at least ${argument.min} ${argument.unit}, with at most ${argument.places} decimals`
        : `a number from ${argument.min} to ${argument.max} ${argument.unit}, with at most ${argument.places} decimals`;
    case 'choice':
      return argument.of.length === 1 ? argument.of[0]! : `one of ${argument.of.join(', ')}`;
    case 'boolean':
      return 'true, on, yes, false, off or no';
    case 'address':
      return argument.family === undefined ? 'an IPv4 or IPv6 address' : `an IPv${argument.family} address`;
    case 'interface':
      return 'the name of an interface, of at most 15 characters';
    case 'digest':
      return 'an MD5 sum of 32 hexadecimal digits';
    case 'statusCodes':
      return 'status codes and ranges from 100 to 599';
    case 'hex':
      return 'bytes in hexadecimal digits';
    case 'command':
      return 'a program and its arguments';
    case 'secret':
      return 'a password';
    case 'word':
    case 'text':
      return 'a word';
  }
}
