/**
 * On-demand list prices of us-east-1 in USD, before free tiers, as published on the services' pricing pages
 * (https://aws.amazon.com/<service>/pricing/) in this month.
 */
export const PRICES_OF = '2026-11';

export const PRICES = {
  lambdaRequest: 0.2 / 1e6,
  /** arm64. */
  lambdaGigabyteSecond: 0.0000133334,
  /** PUT, COPY, POST, LIST. */
  s3Write: 0.005 / 1e3,
  s3Read: 0.0004 / 1e3,
  s3GigabyteMonth: 0.023,
  athenaTerabyte: 5,
  stateTransition: 0.025 / 1e3,
  schedulerInvocation: 1 / 1e6,
  customEvent: 1 / 1e6,
  secretMonth: 0.4,
  secretCall: 0.05 / 1e4,
  crawlerDpuHour: 0.44,
  alarmMetricMonth: 0.1,
  customMetricMonth: 0.3,
  dashboardMonth: 3,
  logGigabyte: 0.5,
  /** Linux, with 20 GB of gp3 and a public address. */
  ec2T3MediumHour: 0.0416,
  gp3GigabyteMonth: 0.08,
  publicAddressHour: 0.005,
  /** The smallest environment of managed Airflow, before workers beyond the first. */
  mwaaSmallHour: 0.49,
} as const;

export const HOURS_PER_MONTH = 730;
