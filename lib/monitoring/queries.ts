import type { Monitored } from './metrics';

/** A question to the log of a function, kept in the console of Logs Insights under its name. */
export interface LogQuery {
  readonly name: string;
  readonly of: keyof Pick<Monitored, 'ingest' | 'hourly' | 'retrain'>;
  readonly query: string;
}

/**
 * Figures for people. As metrics each would cost $0.30 a month, whether anybody looks or not; as fields of the log
 * they cost what they weigh, and a question costs $0.005 a gigabyte.
 */
export const LOG_QUERIES: readonly LogQuery[] = [
  {
    name: 'Observations by hour',
    of: 'ingest',
    query:
      'filter message = "ingested" | stats sum(stored) as observations, sum(failed) as locationsFailed, ' +
      'sum(implausible) as implausibleValues, sum(providerErrors) as providerErrors, sum(requests) as calls ' +
      'by bin(1h)',
  },
  {
    name: 'Locations that failed',
    of: 'ingest',
    query: 'filter ispresent(failedLocations) | fields failedAt, failedLocations | sort @timestamp desc',
  },
  {
    name: 'Hours closed',
    of: 'hourly',
    query:
      'filter message = "Done" and ispresent(hour) | fields hour, rows, missingHours, forecasts, verified, ' +
      'forecastAgeMinutes, refusedModels | sort @timestamp desc',
  },
  {
    name: 'Skill of the last 7 days',
    of: 'hourly',
    query:
      'filter ispresent(skill.days7.brier) | fields @timestamp, skill.days7.brier, skill.days7.againstPersistence, ' +
      'skill.days7.hits, skill.days7.misses, skill.days7.falseAlarms, gapHours | sort @timestamp desc',
  },
  {
    name: 'What Athena read by day',
    of: 'hourly',
    query:
      'filter message = "Done" | stats sum(bytesScanned) as bytes, sum(queries) as statements, ' +
      'sum(queryMilliseconds) as milliseconds by bin(1d)',
  },
  {
    name: 'Retrainings',
    of: 'retrain',
    query:
      'filter step = "publish" | fields @timestamp, result.promoted, result.refreshed, result.kept, result.failed ' +
      '| sort @timestamp desc',
  },
];
