import {
  formatStatus,
  type PlaceStatus,
  problemsOf,
  type SystemStatus,
} from '../../../lib/operate/system-status';

const place = (location: string, more: Partial<PlaceStatus> = {}): PlaceStatus => ({
  location,
  name: location,
  probability: 0.026,
  willRain: false,
  withoutForecast: null,
  champion: { version: '20261101T000000Z-0123abcd', since: '2026-11-01T00:00:00Z' },
  championDamaged: null,
  skill: 0.214,
  skillHours: 160,
  silencedSince: null,
  missingHours: 0,
  missingDays: [],
  lastRetraining: { run: 'weekly', asOf: '2026-11-22T03:30:00Z', outcome: 'refreshed' },
  ...more,
});

function system(more: Partial<SystemStatus> = {}): SystemStatus {
  const seen = {
    name: 'garoa-prod',
    region: 'sa-east-1',
    at: '2026-11-25T10:07:00Z',
    lastPoll: '2026-11-25T10:06:00Z',
    forecast: { issuedAt: '2026-11-25T10:05:00Z', targetHour: '2026-11-25T10:00:00Z' },
    besideProvider: null,
    retraining: { execution: 'weekly', status: 'SUCCEEDED', startedAt: '2026-11-22T03:30:00Z' },
    backfill: null,
    places: [place('sao-paulo'), place('rio')],
    damaged: [],
    ...more,
  };
  return { ...seen, problems: problemsOf(seen) };
}

describe('the status of a system', () => {
  it('that is well fits on a screen, and says so', () => {
    expect(formatStatus(system())).toBe(
      [
        'garoa-prod in sa-east-1, 2026-11-25 10:07 UTC',
        '',
        'Polling     last stored 2026-11-25 10:06 UTC, 1 minute ago',
        'Forecast    of the hour from 2026-11-25 10:00 UTC, issued 2 minutes ago',
        'Retraining  succeeded, started 3 days ago: weekly',
        '',
        'location   forecast                       champion  skill 7 d  missing h       last retraining',
        '─────────  ────────  ──  ─────────────────────────  ─────────  ─────────  ────────────────────',
        'sao-paulo       dry  3%  20261101T000000Z-0123abcd       0.21          0  refreshed 2026-11-22',
        'rio             dry  3%  20261101T000000Z-0123abcd       0.21          0  refreshed 2026-11-22',
        '',
        'All is well.',
      ].join('\n'),
    );
  });

  it("says how the forecasts stand to the provider's own, and where that is left out", () => {
    const text = formatStatus(
      system({
        besideProvider: "Better than the provider's own forecast by 9% over 30 days",
        places: [place('rio', { silencedSince: '2026-11-24T00:20:00Z' })],
      }),
    );
    expect(text).toContain("Provider    Better than the provider's own forecast by 9% over 30 days");
    expect(text).toContain("Voice       without the provider's forecast, which made it worse, at rio");
  });

  it('shows forty places, and says where the others are', () => {
    const many = Array.from({ length: 50 }, (_, index) => place(`p${index}`));
    const text = formatStatus(system({ places: many }));
    expect(text).toContain('\np39 ');
    expect(text).not.toContain('\np40 ');
    expect(text).toContain('… and 10 more (--json has them all)');
  });

  it.each<[string, Partial<SystemStatus>, string]>([
    [
      'two hours without a poll',
      { lastPoll: '2026-11-25T08:06:00Z' },
      'No poll has been stored since 2026-11-25 08:06 UTC',
    ],
    ['a day without a poll', { lastPoll: null }, 'No poll has been stored for 24 hours'],
    ['no closed hour', { forecast: null, places: [] }, 'No hour has been closed yet'],
    [
      'a forecast of an hour long over',
      { forecast: { issuedAt: '2026-11-25T08:05:00Z', targetHour: '2026-11-25T08:00:00Z' } },
      'The newest forecast is of the hour from 2026-11-25 08:00 UTC',
    ],
    ['a place without a model', { places: [place('rio', { champion: null })] }, 'no model yet for rio'],
    [
      'a pointer that is damaged, which is no missing model',
      { places: [place('rio', { champion: null, championDamaged: 'no JSON' })] },
      "Who is champion can't be read for rio",
    ],
    [
      'a lost week',
      { places: [place('rio', { skill: -0.1 })] },
      'For rio, persistence was better for a week',
    ],
    [
      'gaps',
      {
        places: [
          place('rio', { missingHours: 3, missingDays: ['2026-11-23', '2026-11-25'] }),
          place('natal', { missingHours: 1, missingDays: ['2026-11-20'] }),
        ],
      },
      '4 hours of the last 7 days and today are missing: backfill --from 2026-11-20 --to 2026-11-23.',
    ],
    [
      'a gap of today',
      { places: [place('rio', { missingHours: 1, missingDays: ['2026-11-25'] })] },
      'backfill can fetch those of today once it is over.',
    ],
    [
      'a place whose retraining failed',
      {
        places: [
          place('rio', { lastRetraining: { run: 'r', asOf: '2026-11-22T03:30:00Z', outcome: 'failed' } }),
        ],
      },
      'The last retraining failed for rio.',
    ],
    [
      'an execution that was stopped',
      { backfill: { execution: 'b', status: 'ABORTED', startedAt: '2026-11-25T09:00:00Z' } },
      'The last backfill ended as ABORTED: b.',
    ],
  ])('names one problem for %s', (_, more, sentence) => {
    const { problems } = system(more);
    expect(problems).toEqual([expect.stringContaining(sentence)]);
    expect(formatStatus(system(more))).toContain(`! ${problems[0]}`);
  });

  it('does not judge a place by a few hours', () => {
    expect(system({ places: [place('rio', { skill: -0.8, skillHours: 47 })] }).problems).toEqual([]);
  });

  it('names ten places of many in a sentence', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => place(`p${index}`, { champion: null }));
    expect(system({ places: many }).problems[0]).toContain(
      'for p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 4990 more:',
    );
  });
});
