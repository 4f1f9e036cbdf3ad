import { parseHTML } from 'linkedom/worker';
import { concerns, indexPage } from '../../../lambdas/pages/index-page';
import { modelPage } from '../../../lambdas/pages/model-page';
import {
  aLedgerEntry,
  aLocation,
  aModelPage,
  aMonth,
  aPlace,
  GENERATED_AT,
  hostileName,
  nothingYet,
  recentHours,
  threeHundredPlaces,
} from './content';

const textOf = (html: string) => parseHTML(html).document.body.textContent.replaceAll(/\s+/g, ' ');

describe('the index page', () => {
  const page = (...places: ReturnType<typeof aPlace>[]) => indexPage({ generatedAt: GENERATED_AT, places });

  it('answers for each place whether it will rain, in the local time of the place', () => {
    const text = textOf(page(aPlace()));
    expect(text).toContain('12% no rain from 19:00 to 20:00 on 2 Dec, local time');
    expect(text).toContain('No rain is expected.');
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
    expect(textOf(page(aPlace({ forecast })))).toContain('50% ☂ rain');
  });

  it('says what is missing instead of inventing it', () => {
    const text = textOf(page(nothingYet()));
    expect(text).toContain('no forecast');
    expect(text).toContain('nothing verified yet');
    expect(text).toContain('No observation of the last days is in the lake.');
    expect(text).toContain('Not known: there is no forecast for this hour.');
    expect(text).toContain('no forecast of the last 30 days has been verified');
    expect(text).toContain('1 place needs attention');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it('escapes names with accents, quotes and markup', () => {
    const html = page(aPlace({ location: aLocation({ name: hostileName }) }));
    expect(html).not.toContain('<script>');
    expect(textOf(html)).toContain(hostileName);
  });

  it('says how good the forecasts of all places together were, from their summed errors', () => {
    const better = aPlace({ month: aMonth({ comparedSquaredError: 1, persistenceSquaredError: 4 }) });
    const worse = aPlace({ month: aMonth({ comparedSquaredError: 6, persistenceSquaredError: 6 }) });
    const text = textOf(page(better, worse));
    expect(text).toContain('skill against persistence 30% in 400 verified hours');
    expect(text).toContain('Of 30 rain hours, rain was forecast for 24; 8 false alarms.');
  });

  it('says until when forecasts were verified, when that is days ago', () => {
    expect(textOf(page(aPlace()))).not.toContain('until');
    expect(textOf(page(aPlace({ month: aMonth({ date: '2013-11-20' }) })))).toContain(
      '25% over 200 hours, 15 with rain, until 2013-11-20',
    );
  });

  it('falls back on the tests of the champions while too few forecasts are verified', () => {
    const early = { month: aMonth({ hours: 20 }) };
    const unlucky = aPlace({ ...early, champion: aLedgerEntry({ version: '20131202T000000Z-bbbbbbbb' }) });
    const text = textOf(page(aPlace(early), unlucky));
    expect(text).toContain('Too early to say: 40 verified hours');
    expect(text).toContain('On test hours they had not seen, 1 of 1 champion beat persistence.');
  });

  it('gives the sparkline its numbers as a text alternative, unknown days included', () => {
    const { document } = parseHTML(page(aPlace()));
    expect(document.querySelector('.place svg')?.getAttribute('aria-label')).toBe(
      'Skill by day: 2013-11-28 20%, 2013-11-29 -10%, 2013-11-30 40%; 2 of 5 days not known.',
    );
  });

  it('shows a forecast whose hour is long past as the last one, and not as the answer', () => {
    const forecast = {
      targetHour: '2013-12-02T10:00:00Z',
      probability: 0.9,
      willRain: true,
      threshold: 0.45,
    };
    const text = textOf(page(aPlace({ forecast })));
    expect(text).toContain('no forecast for this hour; the last was 90% for 2 Dec 2013, 05:00');
    expect(text).not.toContain('☂');
  });

  it('never rounds a probability to certainty', () => {
    const forecast = {
      targetHour: '2013-12-03T00:00:00Z',
      probability: 0.001,
      willRain: false,
      threshold: 0.45,
    };
    expect(textOf(page(aPlace({ forecast })))).toContain('<1%');
    expect(textOf(page(aPlace({ forecast: { ...forecast, probability: 0.999 } })))).toContain('>99%');
  });

  it('opens with trouble, then rain, then the others in the order of the configuration', () => {
    const { document } = parseHTML(page(...threeHundredPlaces()));
    const names = [...document.querySelectorAll('.place h3')].map(({ textContent }) => textContent);
    expect(names.slice(0, 4)).toEqual(['Place 200', 'Place 100', 'Place 0', 'Place 1']);
  });

  it('holds 300 places, each with its own link, and a list that leads to each', () => {
    const { document } = parseHTML(page(...threeHundredPlaces()));
    expect(document.querySelectorAll('.place h3 a').length).toBe(300);
    const targets = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href') ?? '');
    expect(targets.length).toBe(300);
    expect(targets.every((target) => document.querySelector(target) !== null)).toBe(true);
  });

  it('needs no such list for a few places', () => {
    expect(parseHTML(page(aPlace())).document.querySelector('nav')).toBeNull();
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
      aPlace({ month: aMonth({ hours: 300, skill: -0.2 }) }),
      /worse than persistence/,
    ],
    [
      'observations that are hours old',
      aPlace({ now: { hour: '2013-12-02T18:00:00Z', tempC: 8, precipMm: 0, rained: false } }),
      /newest observed hour began 6 hours ago/,
    ],
    [
      'a model without a forecast, with the reason that the hourly run gave',
      aPlace({ forecast: null, whyNoForecast: 'no observation of the base hour' }),
      /no forecast: no observation of the base hour/,
    ],
    [
      'a champion that cannot be read',
      aPlace({ champion: null, championDamage: 'champion.json is of lga' }),
      /champion.json is of lga/,
    ],
    ['many missing hours', aPlace({ gaps: { missing: 30, expected: 168 } }), /30 hours of the last 168/],
    [
      'a failed retraining',
      aPlace({
        lastRun: {
          outcome: 'failed',
          reason: 'No rows.',
          asOf: GENERATED_AT,
          version: null,
          test: null,
          persistence: null,
        },
      }),
      /No rows/,
    ],
  ])('names %s', (_, place, sentence) => {
    expect(concerns(place, GENERATED_AT)).toEqual([expect.stringMatching(sentence)]);
  });

  it('is nothing for a place where all is well', () => {
    expect(concerns(aPlace(), GENERATED_AT)).toEqual([]);
  });

  it('does not judge skill by a few hours', () => {
    const month = aMonth({ hours: 20, skill: -0.2 });
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

  it('judges the test part at the threshold of the test, and the last days at that of the model at work', () => {
    const text = textOf(modelPage(aModelPage({ threshold: 0.31 })));
    expect(text).toContain('Yes/no forecasts at a probability of 45.0%');
    expect(text).toContain('The dot is the chosen threshold, a probability of 45.0%');
    expect(text).toContain('threshold of this model, 31.0%');
  });

  it("shows the other side of the gate when it is another recipe than the winner's", () => {
    const { metrics } = aModelPage();
    const champion = {
      ...metrics.challenger,
      version: '20131101T000000Z-aaaaaaaa',
      sameRecipe: false,
      challengerImprovement: { ...metrics.overPersistence, improvement: 0.0123 },
    };
    const text = textOf(modelPage(aModelPage({ metrics: { ...metrics, champion } })));
    expect(text).toContain("This recipeChampion's recipePersistence");
    expect(text).toContain("best recipe over the champion's: 0.0123");
  });

  it('says of a version that was succeeded until when it was champion, and by whom it was', () => {
    const ledger = [
      aLedgerEntry(),
      aLedgerEntry({ version: '20131202T120000Z-bbbbbbbb', since: '2013-12-02T12:00:00Z', sequence: 2 }),
    ];
    expect(textOf(modelPage(aModelPage({ ledger })))).toContain(
      'champion until 2 Dec 2013, 07:00, then succeeded by 20131202T120000Z-bbbbbbbb',
    );
  });

  it('gives every chart a text alternative and its numbers', () => {
    const { document } = parseHTML(modelPage(aModelPage()));
    const charts = [...document.querySelectorAll('.chart svg')];
    expect(charts.length).toBeGreaterThanOrEqual(7);
    for (const svg of charts) {
      expect(svg.getAttribute('role')).toBe('img');
      expect(svg.getAttribute('aria-label')).toMatch(/\d/);
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

  it('lists every hour that the timeline shows as anything but dry and without a forecast', () => {
    const recent = recentHours();
    const shown = recent.filter(({ rained, probability }) => rained !== false || probability !== null);
    const { document } = parseHTML(modelPage(aModelPage({ recent })));
    expect(document.querySelectorAll('#last-days details tbody tr').length).toBe(shown.length);
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
