/** A page of events: its other fields are spliced in front of the events' texts. */
export function eventsPage(chunk: readonly string[], page: object): string {
  const rest = JSON.stringify(page).slice(1, -1);
  return `{${rest === "" ? "" : `${rest},`}"chunk":[${chunk.join(",")}]}`;
}
