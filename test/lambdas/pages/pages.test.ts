import { parseHTML } from 'linkedom/worker';
import { concerns, indexPage, redirectPage } from '../../../lambdas/pages/index-page';
import { placePage } from '../../../lambdas/pages/place-page';
import {
  aChampion,
  aLocation,
  aMonth,
  anAgreement,
  aPlace,
  aPlacePage,
  aTest,
  GENERATED_AT,
  hostileName,
  manyPlaces,
  nothingYet,
  recentHours,
} from './content';

function textOf(html: string): string {
  const { body } = parseHTML(html).document;
  for (const script of body.querySelectorAll('script')) script.remove();
  return body.textContent.replaceAll(/\s+/g, ' ');
}

describe('the index page', () => {
  const page = (...places: ReturnType<typeof aPlace>[]) =>
    indexPage({ generatedAt: GENERATED_AT, places, notes: [] });

  it('answers for each place whether it will rain, and names the hour in the time that the places share', () => {
    const text = textOf(page(aPlace()));
    expect(text).toContain(
      'the hour from 19:00 to 20:00, America/New_York (2013-12-03 00:00 UTC to 01:00 UTC)',
    );
    expect(text).toContain('JFK12%');
    expect(text).toContain('No rain is expected.');
    expect(text).toContain('All is well');
  });

  it('names the hour in UTC where places live in different times', () => {
    const lima = aPlace({ location: aLocation({ id: 'lima', timezone: 'America/Lima' }) });
    expect(textOf(page(aPlace(), lima))).toContain('the hour from 2013-12-03 00:00 UTC to 01:00 UTC ·');
  });

  it('shows the last 24 hours, the newest on the right, and says them in words', () => {
    const lastDay = Array.from({ length: 24 }, (_, i) =>
      i === 0 ? null : i === 22 ? 0.2 : i === 23 ? 20 : 0,
    );
    const sign = parseHTML(page(aPlace({ lastDay }))).document.querySelector('#places i');
    expect(sign?.textContent).toBe(`?${'·'.repeat(21)}▁█`);
    expect(sign?.getAttribute('aria-label')).toBe('20.2 mm in 2 h, 1 h not known');
    expect(sign?.getAttribute('title')).toBe('20.2 mm in 2 h, 1 h not known');
  });

  it('says rain where the probability reached the threshold', () => {
    const forecast = { targetHour: '2013-12-03T00:00:00Z', probability: 0.5, willRain: true };
    expect(textOf(page(aPlace({ forecast })))).toContain('☂ 50%');
  });

  it('says what is missing instead of inventing it', () => {
    const text = textOf(page(nothingYet()));
    expect(text).toContain('no forecast');
    expect(text).toContain('too early');
    expect(text).toContain('No observation of the last day is in the lake.');
    expect(text).toContain('Not known: there is no forecast for this hour.');
    expect(text).toContain('no forecast of the last 30 days has been verified');
    expect(text).toContain('1 place needs attention');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it('escapes names with accents, quotes and markup', () => {
    const html = page(aPlace({ location: aLocation({ name: hostileName }) }));
    expect(html).not.toContain('<script>alert');
    expect(textOf(html)).toContain(hostileName);
  });

  it('says how good the forecasts of all places together were, from their summed errors', () => {
    const better = aPlace({ month: aMonth({ comparedSquaredError: 1, persistenceSquaredError: 4 }) });
    const worse = aPlace({ month: aMonth({ comparedSquaredError: 6, persistenceSquaredError: 6 }) });
    const text = textOf(page(better, worse));
    expect(text).toContain('skill against persistence 30% in 400 verified hours');
    expect(text).toContain('Of 30 rain hours, rain was forecast for 24; 8 false alarms.');
  });

  it("says how the forecasts stand to the provider's own, and at how many places they are better", () => {
    const worse = aMonth({ providerComparedSquaredError: 5, providerSquaredError: 4 });
    expect(textOf(page(aPlace()))).toContain("Better than the provider's own forecast by 9% over 30 days.");
    expect(textOf(page(aPlace(), aPlace(), aPlace({ month: worse })))).toContain(
      "Better than the provider's own forecast by 1% over 30 days, better at 2 of 3 places.",
    );
    expect(textOf(page(aPlace({ month: worse })))).toContain("Worse than the provider's own forecast by 25%");
    expect(textOf(page(aPlace({ month: aMonth({ providerHours: 100 }) })))).not.toContain('own forecast');
  });

  it('gives no skill that rests on too little rain', () => {
    const dry = textOf(page(aPlace({ month: aMonth({ rainHours: 2, skill: -19.2 }) })));
    expect(dry).toContain('too little rain: 2 hours');
    expect(dry).toContain('Too early to say: 200 verified hours in 30 days, 2 of them with rain.');
    expect(dry).not.toContain('1920');
    expect(textOf(page(aPlace({ month: aMonth({ hours: 20 }) })))).toContain('too early: 20 h');
  });

  it('shows no forecast whose hour is long past', () => {
    const forecast = { targetHour: '2013-12-02T10:00:00Z', probability: 0.9, willRain: true };
    const text = textOf(page(aPlace({ forecast })));
    expect(text).toContain('The newest forecast is for an hour that began 14 hours ago.');
    expect(text).not.toContain('90%');
  });

  it('never rounds a probability to certainty', () => {
    const forecast = { targetHour: '2013-12-03T00:00:00Z', probability: 0.001, willRain: false };
    expect(textOf(page(aPlace({ forecast })))).toContain('<1%');
    expect(textOf(page(aPlace({ forecast: { ...forecast, probability: 0.999 } })))).toContain('>99%');
  });

  it('opens with trouble, then rain, then the others in the order of the configuration', () => {
    const { document } = parseHTML(page(...manyPlaces(300)));
    const names = [...document.querySelectorAll('#places th a')].map(({ textContent }) => textContent);
    expect(names.slice(0, 4)).toEqual(['Place 200', 'Place 100', 'Place 0', 'Place 1']);
  });

  it('holds 5,000 places in less than 2 MB', () => {
    const html = page(...manyPlaces(5_000));
    expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
    expect(html.match(/href="places\//g)).toHaveLength(5_000);
  });

  it('names what could not be read', () => {
    const notes = ["latest.json can't be read: it is no JSON"];
    expect(textOf(indexPage({ generatedAt: GENERATED_AT, places: [aPlace()], notes }))).toContain(
      "latest.json can't be read: it is no JSON",
    );
  });

  it('fetches nothing', () => {
    expect(page(aPlace())).not.toMatch(/src=|url\(|href="https?:/);
  });
});

describe('the page at the top of the bucket', () => {
  it('leads to the index by an address that holds in any folder, with a link for those it does not lead', () => {
    const html = redirectPage('pages/index.html');
    expect(html).toContain('<meta http-equiv="refresh" content="0; url=pages/index.html">');
    expect(html).toContain('<a href="pages/index.html">');
  });
});

describe('what needs attention', () => {
  it.each([
    [
      'a forecast that is two hours old',
      aPlace({ forecast: { targetHour: '2013-12-02T22:00:00Z', probability: 0.1, willRain: false } }),
      /newest forecast/,
    ],
    [
      'skill below persistence over a month',
      aPlace({ month: aMonth({ hours: 300, skill: -0.2 }) }),
      /worse than persistence/,
    ],
    [
      'observations that are hours old',
      aPlace({ newestHour: '2013-12-02T18:00:00Z' }),
      /newest observed hour began 6 hours ago/,
    ],
    [
      'a model without a forecast, with the reason that the hourly run gave',
      aPlace({ forecast: null, whyNoForecast: 'no observation of the base hour' }),
      /no forecast: no observation of the base hour/,
    ],
    ['a place without a model', aPlace({ forecast: null, hasChampion: false }), /No model has earned/],
    [
      'missing hours of the last day',
      aPlace({ lastDay: Array.from({ length: 24 }, (_, i) => (i < 5 ? null : 0)) }),
      /5 hours of the last 24/,
    ],
    ['a failed retraining', aPlace({ lastRun: { outcome: 'failed', reason: 'No rows.' } }), /No rows/],
  ])('names %s', (_, place, sentence) => {
    expect(concerns(place, GENERATED_AT)).toEqual([expect.stringMatching(sentence)]);
  });

  it('is nothing for a place where all is well', () => {
    expect(concerns(aPlace(), GENERATED_AT)).toEqual([]);
  });

  it.each([
    ['few hours', { hours: 20 }],
    ['little rain', { rainHours: 3 }],
  ])('does not judge skill by %s', (_, few) => {
    expect(concerns(aPlace({ month: aMonth({ skill: -0.2, ...few }) }), GENERATED_AT)).toEqual([]);
  });
});

describe('the page of a place', () => {
  it('shows the figures of metrics.json', () => {
    const tested = aTest();
    const text = textOf(placePage(aPlacePage({ tested })));
    const { test, persistence } = tested.metrics;
    expect(text).toContain(`Brier score${test.brier.toFixed(4)}${persistence.brier.toFixed(4)}`);
    expect(text).toContain(`${test.confusion[1][1]} hits`);
    expect(text).toContain(`${test.confusion[0][1]} false alarms`);
  });

  it('judges the test part at the threshold of the test, and the last days at that of the model at work', () => {
    const text = textOf(placePage(aPlacePage({ tested: aTest({ threshold: 0.31 }) })));
    expect(text).toContain('Yes/no forecasts at a probability of 45.0%');
    expect(text).toContain('The dot is the chosen threshold, a probability of 45.0%');
    expect(text).toContain('threshold of this model, 31.0%');
  });

  it('says what the recipe is beside each baseline, with the interval, as shares of its Brier score', () => {
    const text = textOf(placePage(aPlacePage({ tested: aTest() })));
    expect(text).toContain('Persistence (“it goes on as it is”)0.0500−24.0%−40.0% to −8.0%better');
    expect(text).toContain('Logistic regression0.0500+0.2%−40.0% to +2.0%not worse by more than 3%');
    expect(text).not.toContain('The plain SVC of tutorials');
  });

  it('says that a series is too short to judge by', () => {
    const { metrics } = aTest();
    const tested = aTest({ metrics: { ...metrics, series: null } });
    expect(textOf(placePage(aPlacePage({ tested })))).toContain('too few to hold this recipe against others');
  });

  it('says times in the zone of the place, names the zone once, and has UTC for those who point at one', () => {
    const { document } = parseHTML(placePage(aPlacePage()));
    expect(document.querySelector('header')?.textContent).toContain('times are of America/New_York');
    const made = document.querySelector('header time');
    expect(made?.textContent).toBe('2 Dec 2013, 19:05');
    expect(made?.getAttribute('title')).toBe('2013-12-03 00:05 UTC');
  });

  it("says how it stands to the provider's own forecast, and when that is left out", () => {
    const text = textOf(placePage(aPlacePage({ silencedSince: '2013-12-01T05:20:00Z' })));
    expect(text).toContain(
      "Better than the provider's own forecast by 9% over 30 days, recalibrated, in 190 hours",
    );
    expect(text).toContain('left out since 1 Dec 2013, 00:20');
    expect(textOf(placePage(aPlacePage()))).not.toContain('left out since');
    expect(text).toContain('As issued, its probability has a Brier score of 0.061');
  });

  it('lists all champions of the place, the older ones by name', () => {
    const champions = [
      aChampion({ version: '20131101T000000Z-aaaaaaaa', since: '2013-11-01T00:00:00Z', told: null }),
      aChampion(),
    ];
    const text = textOf(placePage(aPlacePage({ champions })));
    expect(text).toContain('20131101T000000Z-aaaaaaaain the ledger');
    expect(text).toContain('promotedThere is no champion whose recipe could be fitted.');
  });

  it('gives every chart a text alternative and its numbers, and every mark words of its own', () => {
    const { document } = parseHTML(placePage(aPlacePage()));
    const charts = [...document.querySelectorAll('.chart svg')];
    expect(charts.length).toBeGreaterThanOrEqual(8);
    for (const svg of charts) {
      expect(svg.getAttribute('role')).toBe('img');
      expect(svg.getAttribute('aria-label')).toMatch(/\d/);
      expect(svg.querySelector('title')?.textContent).toMatch(/\d/);
      expect(svg.closest('figure')?.querySelector('details table tbody tr')).not.toBeNull();
    }
  });

  it('says how far what polls knew agrees with what was true: rain hour by hour, and each measurement', () => {
    const { document } = parseHTML(placePage(aPlacePage()));
    const section = document.querySelector('#known-and-true');
    const text = section?.textContent ?? '';
    expect(text).toContain('WeatherAPI.com, last 30 days');
    expect(text).toContain('700 hours that were polled and are settled');
    expect(text).toContain('10 rain only in history');
    expect(text).toContain(
      'Of 50 rain hours, 40 (80%) were known as such when they closed. Alike in 97.7% of all hours.',
    );
    const chart = section?.querySelector('.chart svg');
    expect([...(chart?.querySelectorAll('title') ?? [])].map(({ textContent }) => textContent)).toContain(
      'temperature: polls less truth +0.50 ± 1.25 °C in 700 hours',
    );
    expect(chart?.getAttribute('aria-label')).toContain('humidity −30.0 ± 4.0 %, pressure 0.0 ± 0.0 mb');
  });

  it('has a part for each provider of a place, and says so where agreement is not known', () => {
    const agreement = [...anAgreement(), ...anAgreement('open-meteo')];
    const { document } = parseHTML(placePage(aPlacePage({ agreement })));
    expect(document.querySelectorAll('#known-and-true .chart svg')).toHaveLength(2);
    const unknown = textOf(placePage(aPlacePage({ agreement: [] })));
    expect(unknown).toContain('No hour of the last 30 days has both polls and settled history');
  });

  it('draws the dots of the reliability chart over the halos of their numbers', () => {
    const { document } = parseHTML(placePage(aPlacePage()));
    const chart = [...document.querySelectorAll('figure')]
      .find((figure) => figure.querySelector('h3')?.textContent === 'Reliability')
      ?.querySelector('svg');
    const marks = [...(chart?.children ?? [])];
    const dots = marks.findLastIndex((mark) => mark.querySelector('circle') !== null);
    const halos = marks.findLastIndex((mark) => mark.getAttribute('stroke') === 'var(--panel)');
    expect(halos).toBeGreaterThan(0);
    expect(dots).toBeGreaterThan(halos);
  });

  it('counts misses, false alarms and gaps of the last days from the hours it was given', () => {
    const recent = recentHours();
    const falseAlarms = recent.filter(({ rained, willRain }) => rained === false && willRain === true).length;
    const text = textOf(placePage(aPlacePage({ recent })));
    expect(text).toContain(`0 misses (triangles), ${falseAlarms} false alarm`);
    expect(text).toContain('3 hours without an observation of rain');
  });

  it('lists every hour that the timeline shows as anything but dry and without a forecast', () => {
    const recent = recentHours();
    const shown = recent.filter(({ rained, probability }) => rained !== false || probability !== null);
    const { document } = parseHTML(placePage(aPlacePage({ recent })));
    expect(document.querySelectorAll('#last-days details tbody tr').length).toBe(shown.length);
  });

  it('says so when no forecast was issued, and when there is no hour at all', () => {
    const silent = recentHours().map((hour) => ({ ...hour, probability: null, willRain: null }));
    expect(textOf(placePage(aPlacePage({ recent: silent })))).toContain(
      'No forecast was issued in the last 14 days',
    );
    expect(textOf(placePage(aPlacePage({ recent: [] })))).toContain('none in the lake yet');
  });

  it('has what there is of a place without a champion, or whose test can not be read', () => {
    const text = textOf(
      placePage(aPlacePage({ champions: [], tested: null, notes: ["metrics.json can't be read: no"] })),
    );
    expect(text).toContain('No model has earned its place yet');
    expect(text).toContain("metrics.json can't be read: no");
    expect(text).not.toContain('Confusion matrix');
  });

  it('says of each recipe what it differs in from the chosen one, the lowest Brier score first', () => {
    const { metrics } = aTest();
    const [scored] = metrics.candidates;
    if (scored?.status !== 'scored') throw new Error('the first candidate is scored');
    const { recipe } = scored;
    const members = [3, 9].map((positiveWeight) => ({ c: 1, gammaScale: 0.5, positiveWeight }));
    const candidates: typeof metrics.candidates = [
      { status: 'refused', recipe: { ...recipe, kernel: 'laplacian' }, reason: 'the fit took too long' },
      {
        ...scored,
        brier: 0.05,
        recipe: { ...recipe, windowRows: 9_000, featureGroups: ['state', 'rain', 'clock'] },
      },
      scored,
      { ...scored, brier: 0.045, recipe: { ...recipe, members } },
      { ...scored, brier: 0.06, baseline: true, recipe: { ...recipe, featureGroups: ['few'] } },
    ];
    const tested = aTest({ metrics: { ...metrics, candidates } });
    const { document } = parseHTML(placePage(aPlacePage({ tested })));
    const cells = [...document.querySelectorAll('#search tbody th')].map(({ textContent }) => textContent);
    expect(cells).toEqual([
      'the chosen recipe',
      'RBF kernel, C 1, γ 0.5/d, rain weighted 3 and 9',
      'newest 9,000 hours · with clock',
      'Baseline: features few',
      'Laplacian kernel, C 1, γ 0.5/d, rain weighted 3; refused: the fit took too long',
    ]);
  });

  it('says how many hours were polled, and how many were passed over', () => {
    expect(textOf(placePage(aPlacePage()))).toContain(
      'Of these, 120 were polled; history tells the others.The recipe',
    );
    const { metrics } = aTest();
    const passedOver = { otherThreshold: 24, oldShape: 48 };
    const tested = aTest({ metrics: { ...metrics, trainingSet: { ...metrics.trainingSet, passedOver } } });
    expect(textOf(placePage(aPlacePage({ tested })))).toContain(
      'Passed over: 24 hours of another rain threshold, 48 of an older shape.',
    );
  });

  it('says why a recipe was refused', () => {
    expect(textOf(placePage(aPlacePage()))).toContain('refused: the fit took too long');
  });

  it('escapes names and reasons', () => {
    const html = placePage(
      aPlacePage({
        location: aLocation({ name: hostileName }),
        champions: [aChampion({ told: { outcome: 'promoted', reason: '<img onerror=1>' } })],
      }),
    );
    expect(html).not.toMatch(/<script|<img/);
    expect(textOf(html)).toContain(hostileName);
  });
});
