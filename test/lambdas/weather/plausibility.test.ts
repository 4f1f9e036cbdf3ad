import fc from 'fast-check';
import { MEASUREMENTS, NOTHING_MEASURED } from '../../../lambdas/weather/observation';
import { PLAUSIBLE, plausible } from '../../../lambdas/weather/plausibility';

describe('plausibility', () => {
  it.each([
    ['temp_c', -89.2, 61],
    ['dewpoint_c', 35, 41],
    ['humidity_pct', 100, 101],
    ['pressure_mb', 870, 0],
    ['wind_kph', 408, 1_685],
    ['wind_degree', 360, -1],
    ['gust_kph', 408, 521],
    ['precip_mm', 305, -0.1],
    ['cloud_pct', 0, 101],
    ['visibility_km', 300, 351],
    ['uv', 43.3, -1],
    ['condition_code', 1282, -1],
  ] as const)('keeps %s at %d and refuses %d', (name, possible, impossible) => {
    expect(plausible({ ...NOTHING_MEASURED, [name]: possible })).toEqual({
      values: { ...NOTHING_MEASURED, [name]: possible },
      refused: [],
    });
    expect(plausible({ ...NOTHING_MEASURED, [name]: impossible })).toEqual({
      values: NOTHING_MEASURED,
      refused: [name],
    });
  });

  it('never makes a number of nothing and never lets anything but a plausible number through', () => {
    const value = fc.option(fc.double());
    const measured = fc.record(Object.fromEntries(MEASUREMENTS.map((name) => [name, value])));
    fc.assert(
      fc.property(measured, (some) => {
        const given = { ...NOTHING_MEASURED, ...some };
        const { values, refused } = plausible(given);
        for (const name of MEASUREMENTS) {
          const kept = values[name];
          if (kept === null) expect(given[name] === null || refused.includes(name)).toBe(true);
          else {
            expect(kept).toBe(given[name]);
            expect(kept >= PLAUSIBLE[name].least && kept <= PLAUSIBLE[name].most).toBe(true);
          }
        }
      }),
    );
  });
});
