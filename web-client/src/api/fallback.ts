/** Stages of user-interactive auth that this client does not know, passed on a page of the server. */

/** Opens the page of a stage. Must be called while a click is handled: browsers allow no windows otherwise. */
export function openStagePage(stage: string, session: string): void {
  const query = new URLSearchParams({ session }).toString();
  const path = `/_matrix/client/v3/auth/${encodeURIComponent(stage)}/fallback/web?${query}`;
  window.open(path, "_blank", "popup,width=520,height=720");
}

/** Calls `then` when a page of the server says that its stage is passed. Answers the function that ends it. */
export function whenStageIsPassed(then: () => void): () => void {
  const hear = (event: MessageEvent): void => {
    if (event.data === "authDone" && event.origin === location.origin) then();
  };
  window.addEventListener("message", hear);
  return () => window.removeEventListener("message", hear);
}
