import { parseArguments } from '../../../lib/scenario/arguments';
import { BadArguments } from '../../../lib/terminal/arguments';

describe('parseArguments', () => {
  it('has defaults for everything', () => {
    expect(parseArguments([])).toEqual({
      liveHours: 48,
      retrainAtEnd: false,
      keep: false,
      faults: 0,
      provider: 'weatherapi',
      currentRain: 'running-hour',
      open: false,
      help: false,
    });
  });

  it('reads every option, with a space or an equals sign', () => {
    const args = [
      '--observations',
      'f.csv',
      '--columns',
      'temp_c=T',
      '--backfill-days=30',
      '--live-hours',
      '0',
      '--retrain-at-end',
      '--provider',
      'open-meteo',
    ];
    expect(
      parseArguments([...args, '--keep', '--faults', '0.05', '--current-rain', 'growing', '--open', '-h']),
    ).toEqual({
      observations: 'f.csv',
      columns: 'temp_c=T',
      backfillDays: 30,
      liveHours: 0,
      retrainAtEnd: true,
      keep: true,
      faults: 0.05,
      provider: 'open-meteo',
      currentRain: 'growing',
      open: true,
      help: true,
    });
  });

  it.each([
    [['--live-hour', '3'], 'Unknown option --live-hour. Did you mean --live-hours?'],
    [['--zzzzzzzzzzzz'], 'Unknown option --zzzzzzzzzzzz.'],
    [['-x'], 'Unknown option -x.'],
    [['48'], 'Unexpected "48".'],
    [['--live-hours'], '--live-hours needs a value.'],
    [['--observations', '--keep'], '--observations needs a value.'],
    [['--live-hours', 'two'], '--live-hours needs a whole number from 0 to 8784, not "two".'],
    [['--live-hours', '-1'], '--live-hours needs'],
    [['--backfill-days', '0'], '--backfill-days needs a whole number from 1'],
    [['--faults', '0.9'], '--faults needs a share from 0 to 0.5, not "0.9".'],
    [['--provider', 'noaa'], '--provider is one of weatherapi, open-meteo, not "noaa".'],
    [
      ['--current-rain', 'soon'],
      '--current-rain is one of running-hour, trailing-hour, previous-hour, growing',
    ],
    [['--columns', 'temp_c=T'], '--columns goes with --observations.'],
    [['--keep=yes'], '--keep takes no value.'],
    [['--keep', '--keep'], '--keep is given twice.'],
  ])('refuses %j with a hint', (args, reason) => {
    expect(() => parseArguments(args)).toThrow(BadArguments);
    expect(() => parseArguments(args)).toThrow(reason);
    expect(() => parseArguments(args)).toThrow('See npm start -- --help.');
  });
});
