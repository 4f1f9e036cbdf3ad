import { matchesPattern } from '../../../../lib/local/event-bridge/event-pattern';

const event = {
  source: 'garoa',
  'detail-type': 'RainForecast',
  resources: ['arn:a', 'arn:b'],
  detail: { location: 'sao-paulo', probability: 0.7, willRain: true, model: null, tags: [] },
};

it.each([
  ['a literal', { source: ['garoa'] }, true],
  ['another literal', { source: ['aws.ec2'] }, false],
  ['one of several', { source: ['other', 'garoa'] }, true],
  ['all fields', { source: ['garoa'], 'detail-type': ['Other'] }, false],
  ['a nested field', { detail: { location: ['sao-paulo'] } }, true],
  ['booleans, numbers and null', { detail: { willRain: [true], probability: [0.7], model: [null] } }, true],
  ['a number that is not the text', { detail: { probability: ['0.7'] } }, false],
  ['an element of an array', { resources: ['arn:b'] }, true],
  ['no element of an array', { resources: ['arn:c'] }, false],
  ['a prefix', { detail: { location: [{ prefix: 'sao-' }] } }, true],
  ['a suffix', { detail: { location: [{ suffix: '-rio' }] } }, false],
  ['letters of any case', { source: [{ 'equals-ignore-case': 'GAROA' }] }, true],
  ['anything but a text', { source: [{ 'anything-but': 'garoa' }] }, false],
  ['anything but a list', { source: [{ 'anything-but': ['a', 'b'] }] }, true],
  ['anything but a prefix', { source: [{ 'anything-but': { prefix: 'gar' } }] }, false],
  ['anything but, of a field that is missing', { detail: { nothing: [{ 'anything-but': 'x' }] } }, false],
  ['a range of numbers', { detail: { probability: [{ numeric: ['>', 0.5, '<=', 0.7] }] } }, true],
  ['outside a range', { detail: { probability: [{ numeric: ['<', 0.5] }] } }, false],
  ['a number where there is text', { detail: { location: [{ numeric: ['>', 0] }] } }, false],
  ['a field that is there', { detail: { model: [{ exists: true }] } }, true],
  ['a field that is not', { detail: { nothing: [{ exists: false }] } }, true],
  ['a field below one that is not', { detail: { nothing: { below: ['x'] } } }, false],
  ['either of two', { $or: [{ source: ['other'] }, { 'detail-type': ['RainForecast'] }] }, true],
])('matches %s', (_, pattern, expected) => {
  expect(matchesPattern(pattern, event)).toBe(expected);
});

it('refuses a filter that it does not know, rather than never matching', () => {
  expect(() => matchesPattern({ source: [{ wildcard: 'g*' }] }, event)).toThrow('wildcard');
  expect(() => matchesPattern({ detail: { probability: [{ numeric: ['~', 1] }] } }, event)).toThrow(
    'numeric',
  );
});
