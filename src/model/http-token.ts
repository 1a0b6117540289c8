/** The characters of a token of HTTP (RFC 9110 §5.6.2), such as a header's name, as the inside of a character class. */
export const TOKEN = "!#$%&'*+.^_`|~0-9A-Za-z-";
