import { resolve } from 'node:path';

/** Where package.json lies; the application may be synthesised from any working directory. */
export const projectRoot = resolve(__dirname, '..');
