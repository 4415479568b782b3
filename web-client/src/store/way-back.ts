/**
 * The browser's way back closes a window before it leaves the place. A window puts an entry of its own on top of the history, with
 * the address of the place below it. It stays there when the window is closed otherwise, since taking it away would be a race
 * with whatever comes next: the next window uses it again, and who goes back from it goes on to the place before.
 */

interface Entry {
  /** It was put there for a window. */
  window?: boolean;
}

/** The open windows, the uppermost last. Each answers whether it let itself be closed. */
const open: (() => boolean)[] = [];

/** Whether the entry that the page is at was put there for a window. */
let atEntry = false;
let address = "";
let listens = false;

function read(): void {
  atEntry = (history.state as Entry | null)?.window === true;
  address = location.href;
}

function put(): void {
  history.pushState({ window: true } satisfies Entry, "");
  read();
}

function onPop(): void {
  const wasAtEntry = atEntry;
  const before = address;
  read();
  // From a window's entry to the place below it, and nowhere else.
  if (!wasAtEntry || atEntry || before !== address) return;
  const leave = open.at(-1);
  if (leave === undefined) history.back();
  else if (!leave() || open.length > 1) put();
}

/** Has the way back lead out of a window; answers what is to be called when it is closed. */
export function holdBack(leave: () => boolean): () => void {
  if (!listens) {
    listens = true;
    window.addEventListener("popstate", onPop);
    window.addEventListener("hashchange", read);
  }
  read();
  if (!atEntry) put();
  open.push(leave);
  return () => {
    const at = open.indexOf(leave);
    if (at >= 0) open.splice(at, 1);
  };
}
