/** What the check needs is not here, could not be fetched, or broke down: a reason to skip, not to fail. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
