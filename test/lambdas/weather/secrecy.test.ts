import fc from 'fast-check';
import { withoutKey } from '../../../lambdas/weather/secrecy';

const KEY = 'my "secret" k3y/with+signs & ünï';

/** How servers and libraries spell a text that they give back. */
const SPELLINGS: readonly (readonly [string, (key: string) => string])[] = [
  ['as it is', (key) => key],
  ['in an address', encodeURIComponent],
  [
    'in an address, in small letters',
    (key) => encodeURIComponent(key).replace(/%../g, (byte) => byte.toLowerCase()),
  ],
  ['in an address, twice', (key) => encodeURIComponent(encodeURIComponent(key))],
  ['in a form', (key) => new URLSearchParams({ key }).toString().slice('key='.length)],
  ['in JSON', (key) => JSON.stringify(key).slice(1, -1)],
  ['in JSON with escaped slashes', (key) => JSON.stringify(key).slice(1, -1).replaceAll('/', '\\/')],
  [
    'in JSON of ASCII alone',
    (key) =>
      key
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
  ],
  ['in HTML', (key) => key.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')],
  ['in HTML by numbers', (key) => [...key].map((one) => `&#${one.codePointAt(0)};`).join('')],
  ['in Base64', (key) => Buffer.from(key).toString('base64')],
  ['in hexadecimal digits', (key) => Buffer.from(key).toString('hex')],
  ['in Base64 for addresses', (key) => Buffer.from(key).toString('base64url')],
];

describe('the key', () => {
  it.each(SPELLINGS)('is cut out of a text that has it %s', (_, spell) => {
    const cut = withoutKey(`{"echo": "q=1&key=${spell(KEY)}&x"}`, KEY);
    expect(cut).toMatch(/^\{"echo": "q=1&key=\[key\]=*&x"\}$/);
  });

  it('is cut out wherever it stands, whatever it is made of', () => {
    const key = fc
      .string({ minLength: 8, maxLength: 24, unit: 'grapheme' })
      .filter((one) => one.trim() === one);
    const spelling = fc.constantFrom(...SPELLINGS.map(([, spell]) => spell));
    fc.assert(
      fc.property(key, spelling, (one, spell) => {
        expect(withoutKey(`<< ${spell(one)} >>`, one)).toMatch(/^<< \[key\]=* >>$/);
      }),
    );
  });

  it('leaves a text alone that does not have it', () => {
    const text = '{"condition": {"icon": "//cdn/64x64/day/296.png"}, "echo": "my+secret%20key"}';
    expect(withoutKey(text, KEY)).toBe(text);
  });

  it('that is too short to be one mutilates nothing', () => {
    expect(withoutKey('rain in the plain', 'rain')).toBe('rain in the plain');
  });
});
