/** No execution of the account is free: an answer 429 of Lambda. */
export class Throttled extends Error {
  override readonly name = 'Throttled';

  constructor() {
    super('Rate Exceeded.');
  }
}

/** The executions that an account may run at once: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html */
export class ConcurrencyLimit {
  private running = 0;

  constructor(private readonly limit: number) {}

  /** Takes an execution; what it returns gives it free again. @throws Throttled when none is free. */
  take(): () => void {
    if (this.running >= this.limit) throw new Throttled();
    this.running += 1;
    return () => {
      this.running -= 1;
    };
  }
}
