/** What the stage as a whole is called, such as `garoa-prod`. */
export function applicationName(stage: string): string {
  return `garoa-${stage}`;
}

/** The stage's own name for one of its parts, such as `garoa-prod-ingest`. */
export function resourceName(stage: string, part: string): string {
  return `${applicationName(stage)}-${part}`;
}
