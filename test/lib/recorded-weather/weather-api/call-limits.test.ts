import { CallLimits } from '../../../../lib/recorded-weather/weather-api/call-limits';

const DAY = Date.parse('2020-01-01T00:00:00Z') / 1_000;

describe('the limits of Open-Meteo', () => {
  it('are those of a minute, by calls and not by requests, and pass with the minute', () => {
    const limits = new CallLimits();
    const answers = Array.from({ length: 13 }, () => limits.take(50, DAY, 0));
    expect(answers.slice(0, 12)).toEqual(Array(12).fill(undefined));
    expect(answers[12]).toBe('Minutely API request limit exceeded. Please try again in one minute.');
    expect(limits.take(50, DAY + 60, 0)).toBeUndefined();
  });

  it('are those of an hour and of a day', () => {
    const limits = new CallLimits();
    const taken = (at: number) => limits.take(500, at, 0);
    const minutes = Array.from({ length: 11 }, (_, minute) => taken(DAY + 60 * minute));
    expect(minutes.findIndex((said) => said !== undefined)).toBe(10);
    expect(minutes[10]).toMatch(/^Hourly API request limit/);
    const later = Array.from({ length: 11 }, (_, minute) => taken(DAY + 3_600 + 60 * minute));
    expect(later[9]).toBeUndefined();
    expect(taken(DAY + 2 * 3_600)).toMatch(/^Daily API request limit/);
    expect(taken(DAY + 86_400)).toBeUndefined();
  });

  it('take the time that requests would have taken, where virtual time stands still', () => {
    const limits = new CallLimits();
    // Three places a day are three calls in 0.4 s.
    const year = Array.from({ length: 365 }, () => limits.take(3, DAY, 0));
    expect(year.every((said) => said === undefined)).toBe(true);
    const many = new CallLimits();
    const refused = Array.from({ length: 365 }, () => many.take(20, DAY, 0)).findIndex(Boolean);
    expect(refused).toBe(30);
  });

  it('pass while a caller really waits', () => {
    const limits = new CallLimits();
    limits.take(600, DAY, 100);
    expect(limits.take(1, DAY, 115)).toMatch(/^Minutely/);
    expect(limits.take(1, DAY, 161)).toBeUndefined();
  });
});
