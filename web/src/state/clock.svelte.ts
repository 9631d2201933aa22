/** The time in ms, renewed each half minute: one clock for every age that is shown. */
class Clock {
  now = $state(Date.now());

  start(): void {
    setInterval(() => (this.now = Date.now()), 30_000);
  }
}

export const clock = new Clock();
