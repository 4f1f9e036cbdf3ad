import type { GlueTable } from '../../../../lib/local/assembly/resources';
import { partitionLocation, projectedValues } from '../../../../lib/local/athena/projection';

const NOW = new Date('2013-03-10T12:05:00Z');

function table(parameters: Record<string, string>): GlueTable {
  return {
    name: 'observations',
    type: 'EXTERNAL_TABLE',
    columns: [],
    partitionKeys: [
      { name: 'dt', type: 'string' },
      { name: 'hour', type: 'string' },
    ],
    location: 's3://raw/observations/',
    parameters: { 'projection.enabled': 'true', ...parameters },
  };
}

const dates = (range: string, more: Record<string, string> = {}) =>
  projectedValues(
    table({
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': range,
      ...more,
    }),
    'dt',
    NOW,
  );

it('goes from a date to now, whatever the time of day', () => {
  expect(dates('2013-03-08,NOW')).toEqual(['2013-03-08', '2013-03-09', '2013-03-10']);
  expect(dates('2013-03-10,NOW+1DAY')).toEqual(['2013-03-10', '2013-03-11']);
  expect(dates('NOW-2DAYS,NOW')).toEqual(['2013-03-08', '2013-03-09', '2013-03-10']);
  expect(dates('NOW-1MONTHS,2013-02-11')).toEqual(['2013-02-10', '2013-02-11']);
  expect(dates('2013-03-11,NOW')).toEqual([]);
});

it('crosses leap days and the ends of years', () => {
  expect(dates('2012-02-28,2012-03-01')).toEqual(['2012-02-28', '2012-02-29', '2012-03-01']);
  expect(dates('2012-12-31,2013-01-01')).toEqual(['2012-12-31', '2013-01-01']);
});

it('steps by the interval, in other formats too', () => {
  const monthly = {
    'projection.dt.interval': '12',
    'projection.dt.interval.unit': 'HOURS',
    'projection.dt.format': 'yyyy/MM/dd/HH',
  };
  expect(dates('2013/03/09/00,2013/03/10/00', monthly)).toEqual([
    '2013/03/09/00',
    '2013/03/09/12',
    '2013/03/10/00',
  ]);
});

it('pads integers, and takes enumerated values', () => {
  const integer = table({
    'projection.hour.type': 'integer',
    'projection.hour.range': '8,11',
    'projection.hour.digits': '2',
  });
  expect(projectedValues(integer, 'hour', NOW)).toEqual(['08', '09', '10', '11']);
  const listed = table({ 'projection.hour.type': 'enum', 'projection.hour.values': 'am, pm' });
  expect(projectedValues(listed, 'hour', NOW)).toEqual(['am', 'pm']);
});

it('says what is missing or wrong in the parameters of a table', () => {
  expect(() => projectedValues(table({}), 'dt', NOW)).toThrow(/column dt has no projection type/);
  expect(() => dates('soon,NOW')).toThrow(/soon is not a date of the form yyyy-MM-dd/);
  expect(() => dates('2013-01-01,NOW', { 'projection.dt.interval.unit': 'FORTNIGHTS' })).toThrow(
    /FORTNIGHTS/,
  );
});

it('makes locations by the template, and refuses one without key=value', () => {
  expect(partitionLocation(table({}), ['2013-03-10', '07'])).toBe(
    's3://raw/observations/dt=2013-03-10/hour=07/',
  );
  const other = table({ 'storage.location.template': `s3://else/dt=\${dt}/x/hour=\${hour}` });
  expect(partitionLocation(other, ['2013-03-10', '07'])).toBe('s3://else/dt=2013-03-10/x/hour=07/');
  const bare = table({ 'storage.location.template': `s3://else/\${dt}/\${hour}/` });
  expect(() => partitionLocation(bare, ['2013-03-10', '07'])).toThrow('key=value');
});
