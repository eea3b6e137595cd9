/** Forwards every event to `onEvent` and returns the generator's return value. */
export async function consume<Event, Result>(
  events: AsyncGenerator<Event, Result, void>,
  onEvent: (event: Event) => void = () => {},
): Promise<Result> {
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) return next.value;
    onEvent(next.value);
  }
}
