import fc from 'fast-check';
import { localDatesOf } from '../../../lambdas/weather/local-dates';

describe('the local dates of a UTC day', () => {
  it.each([
    ['UTC', ['2026-11-23']],
    ['America/Sao_Paulo', ['2026-11-22', '2026-11-23']],
    ['Asia/Tokyo', ['2026-11-23', '2026-11-24']],
    ['Asia/Kathmandu', ['2026-11-23', '2026-11-24']],
    ['Pacific/Kiritimati', ['2026-11-23', '2026-11-24']],
  ])('in %s are %j', (timezone, dates) => {
    expect(localDatesOf('2026-11-23', timezone)).toEqual(dates);
  });

  it('hold every instant of the day, whatever the zone and its clock changes', () => {
    const days = fc.date({ min: new Date('2010-01-01'), max: new Date('2035-12-31'), noInvalidDate: true });
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    fc.assert(
      fc.property(days, zones, fc.integer({ min: 0, max: 86_399 }), (date, timeZone, second) => {
        const day = date.toISOString().slice(0, 10);
        const instant = Date.parse(`${day}T00:00:00Z`) + second * 1_000;
        const [month, dayOfMonth, year] = new Date(instant)
          .toLocaleDateString('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
          .split('/');
        expect(localDatesOf(day, timeZone)).toContain(`${year}-${month}-${dayOfMonth}`);
      }),
    );
  });
});
