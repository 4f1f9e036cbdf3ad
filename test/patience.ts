/** How many times longer than deployed the local cloud lets functions take: more than any machine is busy. */
export const PATIENCE = 20;

/** For requests whose limit is not what is tested. */
export const NO_HURRY_MS = 10 * 60_000;
