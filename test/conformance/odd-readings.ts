/** A line of the raw zone that holds something unusual; the rest of it is ordinary. */
export interface OddReading {
  readonly name: string;
  readonly line: (date: string) => Readonly<Record<string, unknown>>;
}

const odd = (name: string, given: (date: string) => Readonly<Record<string, unknown>>): OddReading => ({
  name,
  line: (date) => ({
    location_id: 'jfk',
    observed_at: `${date}T05:20:00Z`,
    ingested_at: `${date}T05:20:10Z`,
    source: 'weatherapi',
    kind: 'current',
    temp_c: 1.5,
    dewpoint_c: -2,
    humidity_pct: 50,
    pressure_mb: 1010,
    wind_kph: 3.6,
    wind_degree: 90,
    precip_mm: 0,
    visibility_km: 16.1,
    ...given(date),
  }),
});

/** What the commit's SELECT may meet that no provider promises to send. */
export const ODD_READINGS: readonly OddReading[] = [
  odd('nothing odd', () => ({})),
  odd('milliseconds in its instant', (date) => ({ observed_at: `${date}T05:20:00.500Z` })),
  odd('an offset in its instant', (date) => ({ observed_at: `${date}T05:20:00+00:00` })),
  odd('midnight and milliseconds', (date) => ({ observed_at: `${date}T00:00:00.000Z` })),
  odd('letters for its hour', (date) => ({ observed_at: `${date}Txx:20:00Z` })),
  odd('hour 24', (date) => ({ observed_at: `${date}T24:00:00Z` })),
  odd('a date only', (date) => ({ observed_at: date })),
  odd('no instant', () => ({ observed_at: null })),
  odd('a number for its instant', () => ({ observed_at: 1_362_114_000 })),
  odd('no location', () => ({ location_id: null })),
  odd('a wild temperature', () => ({ temp_c: 9e15 })),
  odd('a temperature just below wild', () => ({ temp_c: 9.99e11 })),
  odd('a wind of 1e308', () => ({ wind_kph: 1e308 })),
  odd('halves of thousandths', () => ({ temp_c: 0.0005, dewpoint_c: -0.0005, humidity_pct: 2.0015 })),
  odd('a kind that nobody knows', () => ({ kind: 'guess' })),
];
