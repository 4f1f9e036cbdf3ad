import { parseHTML } from 'linkedom/worker';
import { concerns, indexPage } from '../../../lambdas/report/index-page';
import { modelPage } from '../../../lambdas/report/model-page';
import { aLedgerEntry, aLocation, aModelPage, aPlace, GENERATED_AT, recentHours } from './content';

const textOf = (html: string) => parseHTML(html).document.body.textContent.replaceAll(/\s+/g, ' ');
const hostileName = `São "João" <script>alert('x')</script> & Filhos`;

describe('the index page', () => {
  const page = (...places: ReturnType<typeof aPlace>[]) => indexPage({ generatedAt: GENERATED_AT, places });

  it('answers for each place whether it will rain, in the local time of the place', () => {
    const text = textOf(page(aPlace()));
    expect(text).toContain('12%no rain from 19:00 to 20:00 local time');
    expect(text).toContain('All is well');
    expect(text).toContain('25% over 200 hours');
  });

  it('says rain where the probability reached the threshold', () => {
    const forecast = {
      targetHour: '2013-12-03T00:00:00Z',
      probability: 0.5,
      willRain: true,
      threshold: 0.45,
    };
    expect(textOf(page(aPlace({ forecast })))).toContain('50%☂ rain');
  });

  it('says what is missing instead of inventing it', () => {
    const empty = aPlace({
      now: null,
      forecast: null,
      month: null,
      champion: null,
      lastRun: null,
      dailySkill: [null, null],
      gaps: { missing: 168, expected: 168 },
    });
    const text = textOf(page(empty));
    expect(text).toContain('no forecast');
    expect(text).toContain('nothing verified yet');
    expect(text).toContain('No observation is in the lake.');
    expect(text).toContain('1 place needs attention');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it('escapes names with accents, quotes and markup', () => {
    const html = page(aPlace({ location: aLocation({ name: hostileName }) }));
    expect(html).not.toContain('<script>');
    expect(textOf(html)).toContain(hostileName);
  });

  it('holds 300 places, each with its own link', () => {
    const places = Array.from({ length: 300 }, (_, i) =>
      aPlace({ location: aLocation({ id: `place-${i}`, name: `Place ${i}` }) }),
    );
    const { document } = parseHTML(page(...places));
    expect(document.querySelectorAll('.place').length).toBe(300);
    expect(document.querySelectorAll('.place a').length).toBe(300);
  });

  it('fetches nothing and runs no script', () => {
    expect(page(aPlace())).not.toMatch(/<script|src=|url\(|href="https?:/);
  });
});

describe('what needs attention', () => {
  it.each([
    [
      'a forecast that is two hours old',
      aPlace({
        forecast: { targetHour: '2013-12-02T22:00:00Z', probability: 0.1, willRain: false, threshold: 0.4 },
      }),
      /newest forecast/,
    ],
    [
      'skill below persistence over a month',
      aPlace({
        month: {
          hours: 300,
          brier: 0.05,
          persistenceBrier: 0.04,
          skill: -0.2,
          hits: 1,
          misses: 2,
          falseAlarms: 3,
        },
      }),
      /worse than persistence/,
    ],
    ['many missing hours', aPlace({ gaps: { missing: 30, expected: 168 } }), /30 hours of the last 168/],
    [
      'a failed retraining',
      aPlace({ lastRun: { outcome: 'failed', reason: 'No rows.', asOf: GENERATED_AT } }),
      /No rows/,
    ],
  ])('names %s', (_, place, sentence) => {
    expect(concerns(place, GENERATED_AT)).toEqual([expect.stringMatching(sentence)]);
  });

  it('is nothing for a place where all is well', () => {
    expect(concerns(aPlace(), GENERATED_AT)).toEqual([]);
  });

  it('does not judge skill by a few hours', () => {
    const month = {
      hours: 20,
      brier: 0.05,
      persistenceBrier: 0.04,
      skill: -0.2,
      hits: 1,
      misses: 2,
      falseAlarms: 3,
    };
    expect(concerns(aPlace({ month }), GENERATED_AT)).toEqual([]);
  });
});

describe('the page of a model', () => {
  it('shows the figures of metrics.json', () => {
    const content = aModelPage();
    const text = textOf(modelPage(content));
    const { test, persistence } = content.metrics;
    expect(text).toContain(`Brier score${test.brier.toFixed(4)}${persistence.brier.toFixed(4)}`);
    expect(text).toContain(`${test.confusion[1][1]} hits`);
    expect(text).toContain(`${test.confusion[0][1]} false alarms`);
  });

  it('gives every chart a text alternative and its numbers', () => {
    const { document } = parseHTML(modelPage(aModelPage()));
    const charts = [...document.querySelectorAll('.chart svg')];
    expect(charts.length).toBeGreaterThanOrEqual(7);
    for (const svg of charts) {
      expect(svg.getAttribute('aria-label')).toMatch(/\w{3}/);
      expect(svg.closest('figure')?.querySelector('details table tbody tr')).not.toBeNull();
    }
  });

  it('counts misses, false alarms and gaps of the last days from the hours it was given', () => {
    const recent = recentHours();
    const falseAlarms = recent.filter(({ rained, willRain }) => rained === false && willRain === true).length;
    const text = textOf(modelPage(aModelPage({ recent })));
    expect(text).toContain(`0 misses (triangles), ${falseAlarms} false alarm`);
    expect(text).toContain('3 hours without an observation of rain');
  });

  it('says so when no forecast was issued, and when there is no hour at all', () => {
    const silent = recentHours().map((hour) => ({ ...hour, probability: null, willRain: null }));
    expect(textOf(modelPage(aModelPage({ recent: silent })))).toContain(
      'No forecast was issued in the last 14 days',
    );
    expect(textOf(modelPage(aModelPage({ recent: [] })))).toContain(
      'No hour of the last days is in the lake yet.',
    );
  });

  it('says why a recipe was refused, and who was champion before', () => {
    const ledger = [
      aLedgerEntry({ version: '20131101T000000Z-aaaaaaaa', since: '2013-11-01T00:00:00Z' }),
      aLedgerEntry({ sequence: 2 }),
    ];
    const html = modelPage(aModelPage({ ledger }));
    expect(textOf(html)).toContain('refused: the fit took too long');
    expect(html).toContain('href="../20131101T000000Z-aaaaaaaa/report.html"');
  });

  it('escapes names and reasons', () => {
    const html = modelPage(
      aModelPage({
        location: aLocation({ name: hostileName }),
        ledger: [aLedgerEntry({ reason: '<img onerror=1>' })],
      }),
    );
    expect(html).not.toMatch(/<script|<img/);
    expect(textOf(html)).toContain(hostileName);
  });
});
