import { weatherFaultsAtRate } from '../../../../lib/recorded-weather/weather-api/faults';
import { NO_ERRORS } from '../../../../lib/recorded-weather/weather-api/manners';
import { LOCAL_WEATHER_KEY } from '../../../../lib/recorded-weather/weather-api/weatherapi';
import { startTwoDays, type TwoDays } from './two-days';

let two: TwoDays;
beforeAll(async () => {
  two = await startTwoDays(NO_ERRORS);
});
afterAll(() => two.close());
afterEach(() => two.api.setFaults(undefined));

it('dates its replies with virtual time', async () => {
  two.at('2020-01-01T02:50:59Z');
  const { headers } = await fetch(`${two.api.url}/current.json?key=${LOCAL_WEATHER_KEY}&q=station`);
  expect(headers.get('date')).toBe('Wed, 01 Jan 2020 02:50:59 GMT');
});

describe('faults', () => {
  it.each([
    [{ kind: 'status', status: 503 } as const, 503],
    [{ kind: 'truncated' } as const, 200],
    [{ kind: 'html' } as const, 200],
    [{ kind: 'html', status: 403 } as const, 403],
  ])('answers with what %j leaves, and does not count it as served', async (fault, status) => {
    two.at('2020-01-02T20:30:00Z');
    two.api.setFaults(() => fault);
    const response = await fetch(`${two.api.url}/current.json?key=${LOCAL_WEATHER_KEY}&q=metar`);
    expect(response.status).toBe(status);
    await expect(response.json()).rejects.toThrow();
    expect([...two.api.served().keys()]).not.toContain('metar 2020-01-02T20:10:00Z');
  });

  it('gives an error body under a status that says otherwise', async () => {
    const error = { error: { code: 9999, message: 'Internal application error.' } };
    two.api.setFaults(() => ({ kind: 'body', status: 200, body: error }));
    expect(await two.weatherApi('current.json')).toEqual({ status: 200, body: error });
  });

  it('lets another place answer, and does not count that as served', async () => {
    two.at('2020-01-02T21:30:00Z');
    two.api.setFaults(() => ({ kind: 'otherPlace', id: 'metar' }));
    expect((await two.weatherApi('current.json')).body).toMatchObject({ location: { name: 'metar' } });
    expect([...two.api.served().keys()].filter((id) => id.includes('2020-01-02T21'))).toEqual([]);
  });

  it('breaks the connection', async () => {
    two.api.setFaults(() => ({ kind: 'disconnect' }));
    await expect(two.weatherApi('current.json')).rejects.toThrow();
  });

  it('never answers while it is silent', async () => {
    two.api.setFaults(() => ({ kind: 'silence' }));
    const signal = AbortSignal.timeout(30);
    await expect(fetch(`${two.api.url}/current.json`, { signal })).rejects.toThrow();
  });

  it('turns numbers into texts', async () => {
    two.api.setFaults(() => ({ kind: 'wrongTypes' }));
    expect((await two.weatherApi('current.json')).body).toMatchObject({
      current: { temp_c: expect.any(String) },
    });
  });

  it('fails at a rate, the same requests in every run, and lets the third attempt through', () => {
    const requests = Array.from({ length: 400 }, (_, minute) => ({
      path: '/current.json',
      locationId: 'station',
      at: new Date(Date.UTC(2020, 0, 1, 0, minute)),
    }));
    const kinds = (attempt: number): (string | undefined)[] => {
      const plan = weatherFaultsAtRate(0.3, 'seed');
      return requests.map((request) => plan({ ...request, attempt })?.kind);
    };
    expect(kinds(1)).toEqual(kinds(1));
    const failed = kinds(1).filter((kind) => kind !== undefined).length;
    expect(failed).toBeGreaterThan(80);
    expect(failed).toBeLessThan(160);
    expect(kinds(3).every((kind) => kind === undefined)).toBe(true);
  });
});
