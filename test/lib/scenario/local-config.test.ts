import { readRecording } from '../../../lib/recorded-weather/observation-file/read';
import { localConfig } from '../../../lib/scenario/local-config';
import { DEFAULT_RECORDING } from '../../../lib/scenario/saved-run';

it('forecasts for the recorded places through the provider, where it can be asked for them', async () => {
  const recording = await readRecording(DEFAULT_RECORDING);
  const config = localConfig('open-meteo', recording, '2013-01-01');
  expect(config).toMatchObject({ provider: 'open-meteo', plan: 'free', firstDay: '2013-01-01' });
  expect(config.locations.map(({ id }) => id)).toEqual(['ewr', 'jfk', 'lga']);
  expect(localConfig('weatherapi', recording, '2013-01-01')).toMatchObject({ plan: 'business' });

  const locations = recording.locations.map(({ latitude, ...lost }) => lost);
  expect(() => localConfig('open-meteo', { ...recording, locations }, '2013-01-01')).toThrow(
    'Open-Meteo needs latitude and longitude, and ewr has none: give them in the .json beside the file',
  );
});
