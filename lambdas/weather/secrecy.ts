/** A word shorter than any provider's key is no secret, and cutting it out would mutilate replies. */
const SHORTEST_KEY = 8;

/** Each spelling but the plain ones has one of these, and most replies have none. */
const ENCODED = /[%\\&]/;
const BLANK = /\s/;

const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/**
 * Cuts the key out of a text before anyone reads it, however an echo spells it: plain, in an address (blanks as %20
 * or +, escaped once or more), in JSON, in HTML, in Base64 or as hexadecimal digits.
 */
export function withoutKey(text: string, key: string): string {
  if (key.length < SHORTEST_KEY) return text;
  const { encoded, spelling } = spellingsOf(key);
  let cut = text.replaceAll(key, '[key]');
  for (const one of encoded) cut = cut.replaceAll(one, '[key]');
  return ENCODED.test(cut) || BLANK.test(key) ? cut.replace(spelling, '[key]') : cut;
}

interface Spellings {
  /** Of the whole key, letter by letter no longer to be told. */
  readonly encoded: readonly string[];
  readonly spelling: RegExp;
}

let last: { readonly key: string; readonly spellings: Spellings } | undefined;

/** A run has one key: its pattern is made once. */
function spellingsOf(key: string): Spellings {
  if (last?.key !== key) {
    const bytes = Buffer.from(key, 'utf8');
    const base64 = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
    const hexadecimal = bytes.toString('hex');
    const spelling = new RegExp([...key].map((character) => anySpelling(character)).join(''), 'gu');
    const encoded = [...base64, hexadecimal, hexadecimal.toUpperCase()];
    last = { key, spellings: { encoded, spelling } };
  }
  return last.spellings;
}

function anySpelling(character: string): string {
  const plain = character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  const percent = [...Buffer.from(character, 'utf8')].map((byte) => `%(?:25)*${hex(byte, 2)}`).join('');
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  const json = units.map((unit) => String.raw`\\+u${hex(unit, 4)}`).join('');
  const point = character.codePointAt(0) ?? 0;
  const entity = `&(?:#0*${point}|#[xX]0*${hex(point, 1)}${named(character)});`;
  const blank = BLANK.test(character) ? String.raw`|\s|\+|&nbsp;` : '';
  return `(?:${String.raw`\\*`}${plain}|${percent}|${json}|${entity}${blank})`;
}

function named(character: string): string {
  const name = NAMED_ENTITIES[character];
  return name === undefined ? '' : `|${name}`;
}

/** Both cases of each letter. */
function hex(value: number, digits: number): string {
  return value
    .toString(16)
    .padStart(digits, '0')
    .replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
