import { wasKnownAtClose } from '../../../lib/inspection/lake';

// Seed c1 of a soak of five days: hours of an outage, for which history stood in later, were called missing forecasts.
it.each([
  [{ kind: 'polled', known_rained: false } as const, true],
  [{ kind: 'both', known_rained: true } as const, true],
  [{ kind: 'settled', known_rained: true } as const, false],
  [{ kind: 'polled', known_rained: null } as const, false],
  [undefined, false],
])('an hour as %j was known when it closed: %s', (row, known) => {
  expect(wasKnownAtClose(row)).toBe(known);
});
