/**
 * Names of the environment variables that the stacks set and the functions read. Both sides import them
 * from here, so a rename is one edit and a missing variable can't be a spelling mistake.
 */
export const Env = {
  rawBucket: 'RAW_BUCKET',
  processedBucket: 'PROCESSED_BUCKET',
  modelsBucket: 'MODELS_BUCKET',
  queryResultsBucket: 'QUERY_RESULTS_BUCKET',
  database: 'GLUE_DATABASE',
  workgroup: 'ATHENA_WORKGROUP',
  /** Absent when the provider needs no key. */
  apiKeySecret: 'API_KEY_SECRET_ID',
  /** Base address of the weather provider; a variable so that an endpoint can stand in for it. */
  weatherApiUrl: 'WEATHER_API_URL',
  /** Base address of the provider's history; absent when it has no host of its own for that. */
  archiveApiUrl: 'ARCHIVE_API_URL',
  eventBus: 'EVENT_BUS_NAME',
  /** Name of the function that fetches the provider's history for upkeep. */
  ingestFunction: 'INGEST_FUNCTION_NAME',
} as const;

/**
 * Reads one variable, inside a handler and never at import time.
 * @throws Error naming the variable when it is unset or empty.
 */
export function requireEnv(name: string, environment: NodeJS.ProcessEnv = process.env): string {
  const value = environment[name];
  if (value === undefined || value === '') {
    throw new Error(`Environment variable ${name} is not set; the stack that defines this function sets it.`);
  }
  return value;
}
